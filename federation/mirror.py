"""The Merkle tree of another node's log as it is kept here: adding leaves, and reading tiles and roots."""

from collections.abc import Iterable, Sequence

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from federation.models import PulledHash
from lib import merkle
from lib.merkle import TILE_HEIGHT, TILE_WIDTH, GrowingTree, Range


class Growth:
    """What a batch of leaves would add to a peer's tree of `size` leaves; nothing is stored before `rows` are."""

    def __init__(self, peer: int, size: int) -> None:
        self._peer = peer
        self._tree = GrowingTree(_subtrees(peer, size))
        self.rows: list[PulledHash] = []

    @property
    def size(self) -> int:
        """How many leaves there are with them."""
        return self._tree.size

    def add(self, leaf: bytes) -> None:
        """Adds the next leaf."""
        index = self._tree.size
        for height, found in self._tree.add(merkle.leaf_hash(leaf))[::TILE_HEIGHT]:
            self.rows.append(
                PulledHash(peer_id=self._peer, level=height // TILE_HEIGHT, index=index >> height, hash=found)
            )

    def root(self) -> bytes:
        """The root with them."""
        return self._tree.root()


def tile(peer: int, level: int, number: int, width: int, *, using: str = DEFAULT_DB_ALIAS) -> bytes:
    """The first `width` hashes of a tile of that peer's log, 32 bytes each; fewer where the tree has fewer."""
    first = number * TILE_WIDTH
    rows = PulledHash.objects.using(using).filter(peer=peer, level=level, index__gte=first, index__lt=first + width)
    return b"".join(bytes(found) for found in rows.order_by("index").values_list("hash", flat=True))


def root(peer: int, size: int) -> bytes:
    """The root over the first `size` leaves."""
    return roots(peer, [(0, size)])[0]


def roots(peer: int, parts: Iterable[Range]) -> list[bytes]:
    """The roots over these ranges of a proof, with one query for all."""
    wanted = list(parts)
    node = _reader(peer, [subtree for part in wanted for subtree in merkle.complete_subtrees(part)])
    return [merkle.root_of(part, node) for part in wanted]


def _subtrees(peer: int, size: int) -> list[tuple[int, bytes]]:
    places = merkle.complete_subtrees((0, size))
    node = _reader(peer, places)
    return [(height, node(height, index)) for height, index in places]


def _reader(peer: int, subtrees: Sequence[tuple[int, int]]) -> merkle.NodeReader:
    wanted = Q()
    for height, index in subtrees:
        level, first, count = merkle.hashes_under(height, index)
        wanted |= Q(level=level, index__gte=first, index__lt=first + count)
    rows = PulledHash.objects.filter(wanted, peer=peer).values_list("level", "index", "hash") if subtrees else []
    known = {(level, index): bytes(found) for level, index, found in rows}

    def node(height: int, index: int) -> bytes:
        level, first, count = merkle.hashes_under(height, index)
        return merkle.perfect_root([known[level, at] for at in range(first, first + count)])

    return node
