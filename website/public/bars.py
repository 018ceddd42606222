"""Counts as bars in SVG: the numbers that a template needs to draw them. Pure; colour alone says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

# Small enough that a phone shows the text at nearly its own size.
WIDTH = 360
_ROW, _BAR, _BELOW = 34, 8, 19
_HEIGHT, _TOP, _BASE = 150, 20, 126
_STRIP, _STRIP_BASE = 46, 44
_MOST_LABELS = 7


@dataclass(frozen=True)
class Count:
    """A number under a label, and where it leads; "" where it leads nowhere."""

    label: str
    value: int
    href: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar in pixels: where it begins, how large it is, and where its text stands."""

    label: str
    value: int
    href: str
    x: float
    y: float
    width: float
    height: float
    text_y: float
    middle: float = 0.0
    is_labelled: bool = True


@dataclass(frozen=True)
class Bars:
    """A chart of bars, `width` by `height`; `base` is the line that upright ones stand on."""

    bars: Sequence[Bar]
    width: int
    height: int
    base: int = 0


@dataclass(frozen=True)
class Strip:
    """One of several small charts over the same years, drawn to one scale; `total` of all its bars."""

    label: str
    href: str
    total: int
    chart: Bars


def lying(counts: Sequence[Count]) -> Bars:
    """Bars from left to right, one below the other, each under its label."""
    most = max((count.value for count in counts), default=0) or 1
    bars = [
        Bar(
            label=count.label,
            value=count.value,
            href=count.href,
            x=0,
            y=place * _ROW + _BELOW,
            width=round(max(count.value * WIDTH / most, 1 if count.value else 0), 1),
            height=_BAR,
            text_y=place * _ROW + _BELOW - 5,
        )
        for place, count in enumerate(counts)
    ]
    return Bars(bars, WIDTH, len(counts) * _ROW)


def upright(counts: Sequence[Count]) -> Bars:
    """Bars side by side, as over time, on one line with labels below; of many labels only some are written."""
    return _upright(counts, height=_HEIGHT, top=_TOP, base=_BASE, most=max((one.value for one in counts), default=0))


def strips(rows: Sequence[tuple[Count, Sequence[Count]]]) -> Sequence[Strip]:
    """Small charts below each other, all to one scale; each row is its label with the total, and its counts."""
    most = max((one.value for _, counts in rows for one in counts), default=0)
    return [
        Strip(row.label, row.href, row.value, _upright(counts, height=_STRIP, top=2, base=_STRIP_BASE, most=most))
        for row, counts in rows
    ]


def _upright(counts: Sequence[Count], *, height: int, top: int, base: int, most: int) -> Bars:
    step = WIDTH / max(len(counts), 1)
    room = min(step * 0.78, 48)
    every = max(-(-len(counts) // _MOST_LABELS), 1)
    bars = []
    for place, count in enumerate(counts):
        tall = max(count.value * (base - top) / (most or 1), 1 if count.value else 0)
        middle = place * step + step / 2
        bars.append(
            Bar(
                label=count.label,
                value=count.value,
                href=count.href,
                x=round(middle - room / 2, 1),
                y=round(base - tall, 1),
                width=round(room, 1),
                height=round(tall, 1),
                text_y=round(base - tall - 5, 1),
                middle=round(middle, 1),
                is_labelled=(len(counts) - 1 - place) % every == 0,
            )
        )
    return Bars(bars, WIDTH, height, base)
