"""A family tree as SVG: the numbers that a template needs to draw it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.public_models import Relative

WIDTH = 720
_ROW, _INDENT, _TOP = 28, 22, 20
_MOST_DEPTH = 8


@dataclass(frozen=True)
class Node:
    """A model in the tree, in pixels; `bend` is where the line from its parent begins, 0 for the root."""

    name: str
    relation: str
    records: int
    x: int
    y: int
    parent_x: int
    bend: int


@dataclass(frozen=True)
class Tree:
    """The drawn tree, `width` by `height`."""

    nodes: Sequence[Node]
    width: int
    height: int


def tree_of(root: str, below: Sequence[Relative]) -> Tree:
    """The root and what derives from it, each under its parent, whoever else is on the way to it."""
    records = {one.way: one.records for one in below}
    relations: dict[tuple[str, ...], str] = {}
    for one in below:
        for step, relation in enumerate(one.relations, start=1):
            relations[one.way[: step + 1]] = relation
    nodes = [Node(root, "", 0, 6, _TOP, 0, 0)]
    lines: dict[tuple[str, ...], int] = {(root,): _TOP}
    # Parents come before their children, and children below them.
    for place, way in enumerate(sorted(relations), start=1):
        depth = min(len(way) - 1, _MOST_DEPTH)
        y = _TOP + place * _ROW
        lines[way] = y
        parent = lines.get(way[:-1], _TOP)
        x = 6 + depth * _INDENT
        nodes.append(Node(way[-1], relations[way], records.get(way, 0), x, y, x - _INDENT, parent))
    return Tree(nodes, WIDTH, _TOP + len(nodes) * _ROW - 10)
