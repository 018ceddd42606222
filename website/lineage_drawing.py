"""What a model derives from and what derives from it, drawn in columns by generation: bases to the left of it.

The numbers a template needs for an SVG, in pixels. The page has the same as a list, with what joins the models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from incidents.public_models import Relative

COLUMN, GAP, ROW, BOX = 230, 46, 62, 46
# More than so many in a column, or generations to a side, are a list and no drawing.
MOST_ROWS, MOST_GENERATIONS = 10, 3
_LONGEST = 27
# Column or side, and the way there: a name may stand on both sides.
_Place = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Box:
    """One model: its name and as much of it as fits, the place of its upper left corner, and how many records."""

    name: str
    x: int
    y: int
    records: int
    itself: bool
    width: int = COLUMN
    height: int = BOX

    @property
    def shown(self) -> str:
        """The name, its beginning left out where it is long: models differ by the end."""
        return self.name if len(self.name) <= _LONGEST else f"…{self.name[-_LONGEST:]}"


@dataclass(frozen=True)
class Drawing:
    """Boxes, the lines between them (as `d` of a path), its size, and how many relatives it leaves out."""

    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    width: int
    height: int
    left_out: int


def drawing(name: str, records: int, bases: Iterable[Relative], derivatives: Iterable[Relative]) -> Drawing | None:
    """The drawing of a model with its relatives; None where it has none."""
    above, below = _nearest(bases), _nearest(derivatives)
    if not above and not below:
        return None
    columns: dict[int, list[Relative]] = {0: [Relative(name, (name,), (), records)]}
    drawn: set[_Place] = set()
    for side, relatives in ((-1, above), (1, below)):
        for relative in relatives:
            generation = len(relative.relations)
            column = columns.setdefault(side * generation, [])
            reached = generation == 1 or (side, relative.way[:-1]) in drawn
            if generation <= MOST_GENERATIONS and len(column) < MOST_ROWS and reached:
                column.append(relative)
                drawn.add((side, relative.way))
    columns = {place: column for place, column in columns.items() if column}
    boxes = _placed(columns, name)
    lines = [
        _line(boxes[place, relative.way], boxes[_nearer(place, relative)], to_right=place > 0)
        for place, column in columns.items()
        for relative in column
        if place
    ]
    return Drawing(
        boxes=tuple(boxes.values()),
        lines=tuple(lines),
        width=len(columns) * (COLUMN + GAP) - GAP,
        height=max(map(len, columns.values())) * ROW,
        left_out=len(above) + len(below) - len(drawn),
    )


def _nearest(relatives: Iterable[Relative]) -> list[Relative]:
    return sorted(relatives, key=lambda one: (len(one.relations), -one.records, one.name))


def _nearer(place: int, relative: Relative) -> _Place:
    """Where the model stands that joins the relative to the one in the middle."""
    return place - (1 if place > 0 else -1), relative.way[:-1]


def _placed(columns: Mapping[int, list[Relative]], name: str) -> dict[_Place, Box]:
    tallest = max(map(len, columns.values()))
    boxes = {}
    for column, place in enumerate(sorted(columns)):
        top = (tallest - len(columns[place])) * ROW // 2
        for row, relative in enumerate(columns[place]):
            x, y = column * (COLUMN + GAP), top + row * ROW + (ROW - BOX) // 2
            way = relative.way if place else (name,)
            boxes[place, way] = Box(relative.name, x, y, relative.records, itself=not place)
    return boxes


def _line(one: Box, nearer: Box, *, to_right: bool) -> str:
    """From the base's right side to the left side of what derives from it."""
    base, derived = (nearer, one) if to_right else (one, nearer)
    left, right = base.x + COLUMN, derived.x
    start, end, middle = base.y + BOX // 2, derived.y + BOX // 2, (left + right) // 2
    return f"M{left},{start}C{middle},{start} {middle},{end} {right},{end}"
