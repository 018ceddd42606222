"""Charts as the numbers an SVG template draws; the same numbers stand in a table beside each chart."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 180
LEFT, BOTTOM, TOP = 40, 24, 8


@dataclass(frozen=True)
class Bar:
    """One bar: where it stands, in the drawing's units, and what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Tick:
    """A line across, or a place below, with its number or date."""

    at: float
    label: str


@dataclass(frozen=True)
class Columns:
    """A chart of columns with a line over them, both on one scale that begins at nought."""

    bars: list[Bar]
    line: str
    across: list[Tick]
    below: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    baseline: int = HEIGHT - BOTTOM


def columns(names: Sequence[str], heights: Sequence[int], line: Sequence[int]) -> Columns:
    """Columns of `heights` over `names`, and a line of as many points."""
    top = _round_up(max([*heights, *line, 1]))
    step = (WIDTH - LEFT) / max(len(names), 1)
    scale = (HEIGHT - BOTTOM - TOP) / top

    def down(value: int) -> float:
        return round(HEIGHT - BOTTOM - value * scale, 1)

    bars = [
        Bar(round(LEFT + n * step + step * 0.15, 1), down(value), round(step * 0.7, 1), round(value * scale, 1), name)
        for n, (name, value) in enumerate(zip(names, heights, strict=True))
    ]
    points = " ".join(f"{LEFT + (n + 0.5) * step:.1f},{down(value)}" for n, value in enumerate(line))
    every = max(1, -(-len(names) // 6))
    below = [Tick(round(LEFT + (n + 0.5) * step, 1), names[n]) for n in range(0, len(names), every)]
    across = [Tick(down(value), str(value)) for value in sorted({0, top // 2, top})]
    return Columns(bars, points, across, below)


def _round_up(value: int) -> int:
    """The next of 2, 4, 6, 10, 20, 40, 60, 100, ...: even, so that its half is a number, too."""
    size = 1
    while True:
        for step in (2, 4, 6, 10):
            if value <= step * size:
                return step * size
        size *= 10
