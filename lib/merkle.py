"""Merkle trees of transparency logs: hashes, proofs and how to check them, and the tiles they are served in.

Algorithms: RFC 9162, 2.1 (the trees of RFC 6962, with SHA-256); tiles: c2sp.org/tlog-tiles v0.1.0. A tree is read
through `NodeReader`, which gives the root of the complete subtree of 2^height leaves that begins at leaf
index * 2^height.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
# From the first leaf to the one after the last.
Range = tuple[int, int]


class BadProofError(ValueError):
    """The proof does not lead to the root."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(*level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


# --- Proofs ----------------------------------------------------------------------------------------------------------
def complete_subtrees(part: Range) -> list[tuple[int, int]]:
    """The complete subtrees (height, index) that make up a range of the recursion of RFC 9162, largest first."""
    start, end = part
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        found.append((height, start >> height))
        start += 1 << height
    return found


def root_of(part: Range, node: NodeReader) -> bytes:
    """MTH(D[start:end])."""
    hashes = [node(*subtree) for subtree in complete_subtrees(part)]
    if not hashes:
        return EMPTY_ROOT
    root = hashes.pop()
    while hashes:
        root = node_hash(hashes.pop(), root)
    return root


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove that leaf `index` is in the tree of `size` leaves, the leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose roots prove that the tree of `new` leaves begins with the tree of `old` leaves."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} leaves continues none of {old}")
    ranges: list[Range] = []
    start, end, from_the_left = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, from_the_left = middle, False
    if not from_the_left:
        ranges.append((start, end))
    return ranges[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); raises BadProofError for one of a wrong length."""
    if not 0 <= index < size:
        raise BadProofError("the leaf is not in the tree")
    root = leaf
    for is_left, sibling in zip(_sides(index, size - 1, len(path)), path, strict=True):
        root = node_hash(sibling, root) if is_left else node_hash(root, sibling)
    return root


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises BadProofError unless the proof shows that one tree begins with the other (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new or (old < new and not proof) or (old == new and proof):
        raise BadProofError("no such proof leads from one of these sizes to the other")
    start, *siblings = [old_root, *proof] if old & (old - 1) == 0 or old == new else proof
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = start
    for is_left, sibling in zip(_sides(place, last, len(siblings)) if old < new else (), siblings, strict=True):
        before = node_hash(sibling, before) if is_left else before
        after = node_hash(sibling, after) if is_left else node_hash(after, sibling)
    if before != old_root or after != new_root:
        raise BadProofError("the larger tree does not begin with the smaller one")


def _sides(place: int, last: int, count: int) -> list[bool]:
    """On which side the siblings stand on the way from a node to the root: True is left."""
    sides = []
    for _ in range(count):
        if last == 0:
            raise BadProofError("the proof is too long")
        sides.append(bool(place & 1) or place == last)
        while sides[-1] and not place & 1 and place:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise BadProofError("the proof is too short")
    return sides


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


class GrowingTree:
    """A tree that is only added to: keeps the roots of its complete subtrees, at most 64 of them."""

    def __init__(self, roots: Iterable[tuple[int, bytes]] = ()) -> None:
        self._roots = list(roots)

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return sum(1 << height for height, _ in self._roots)

    def add(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Adds a leaf's hash; the height and root of every subtree that this completes, the leaf itself first."""
        completed = [(0, leaf)]
        self._roots.append((0, leaf))
        while len(self._roots) > 1 and self._roots[-1][0] == self._roots[-2][0]:
            (height, left), (_, right) = self._roots[-2:]
            self._roots[-2:] = [(height + 1, node_hash(left, right))]
            completed.append(self._roots[-1])
        return completed

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1][1]
        for _, left in self._roots[-2::-1]:
            root = node_hash(left, root)
        return root


# --- Tiles -----------------------------------------------------------------------------------------------------------
def hashes_under(height: int, index: int) -> tuple[int, int, int]:
    """Where tiles hold a complete subtree: the tiles' level, its first hash in that level, and how many."""
    count = 1 << (height % TILE_HEIGHT)
    return height // TILE_HEIGHT, index * count, count


def tile_path(number: int) -> str:
    """A tile's number as it stands in addresses: 1234067 is x001/x234/067."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups))
