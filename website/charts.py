"""Lines over time as SVG: the numbers a template needs to draw one, and to say in words what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 160
# Room for the highest value above the line, and for the dates below it.
TOP, BOTTOM = 22, 30


@dataclass(frozen=True)
class LineChart:
    """A line from the first to the last value, over zero; `points` is in pixels, as SVG's polyline wants them."""

    title: str
    points: str
    first: tuple[date, int]
    last: tuple[date, int]
    lowest: tuple[date, int]
    highest: tuple[date, int]
    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    base: int = HEIGHT - BOTTOM


def line_chart(title: str, values: Sequence[tuple[date, int]]) -> LineChart | None:
    """The chart of values by day, oldest first; None for fewer than two, which make no line."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    first, last = values[0], values[-1]
    highest = max(values, key=lambda value: value[1])
    days = (last[0] - first[0]).days or 1
    most = highest[1] or 1
    base = HEIGHT - BOTTOM
    points = [
        f"{(day - first[0]).days * WIDTH / days:.1f},{base - number * (base - TOP) / most:.1f}"
        for day, number in values
    ]
    lowest = min(values, key=lambda value: value[1])
    return LineChart(title, " ".join(points), first, last, lowest, highest)
