"""The log's Merkle tree in the database: adding leaves, and reading tiles, roots and proofs.

Kept are the hashes that tiles hold, one row each: rows are only ever added, a tile of any width is one query, and so
are all hashes that a root or a proof takes.
"""

from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Q

from incidents.log_models import LogEntry, TreeHash
from lib import merkle
from lib.merkle import TILE_WIDTH, Range


def size() -> int:
    """How many leaves the tree has."""
    last = LogEntry.objects.order_by("-index").values_list("index", flat=True).first()
    return 0 if last is None else last + 1


def add(index: int, leaf: bytes) -> None:
    """Adds the leaf at `index`, which is the next; the caller holds the log's lock."""
    rows = [TreeHash(level=0, index=index, hash=merkle.leaf_hash(leaf))]
    level = 0
    while (index + 1) % TILE_WIDTH == 0:
        level, index = level + 1, index // TILE_WIDTH
        before = _hashes(level - 1, index * TILE_WIDTH, TILE_WIDTH)
        rows.append(TreeHash(level=level, index=index, hash=merkle.perfect_root([*before, bytes(rows[-1].hash)])))
    TreeHash.objects.bulk_create(rows)


def tile(level: int, number: int, width: int, *, using: str = DEFAULT_DB_ALIAS) -> bytes:
    """The first `width` hashes of a tile, 32 bytes each; fewer where the tree has fewer."""
    return b"".join(_hashes(level, number * TILE_WIDTH, width, using))


def root(count: int, *, using: str = DEFAULT_DB_ALIAS) -> bytes:
    """The root over the first `count` leaves."""
    return roots([(0, count)], using=using)[0]


def roots(parts: Iterable[Range], *, using: str = DEFAULT_DB_ALIAS) -> list[bytes]:
    """The roots over these ranges of a proof, with one query for all."""
    wanted = list(parts)
    node = _reader(wanted, using)
    return [merkle.root_of(part, node) for part in wanted]


def _hashes(level: int, first: int, count: int, using: str = DEFAULT_DB_ALIAS) -> list[bytes]:
    rows = (
        TreeHash.objects.using(using).filter(level=level, index__gte=first, index__lt=first + count).order_by("index")
    )
    return [bytes(found) for found in rows.values_list("hash", flat=True)]


def _reader(parts: Iterable[Range], using: str) -> merkle.NodeReader:
    """Reads the complete subtrees of these ranges, all fetched at once."""
    places = {merkle.hashes_under(*subtree) for part in parts for subtree in merkle.complete_subtrees(part)}
    known: dict[tuple[int, int], bytes] = {}
    if places:
        wanted = Q()
        for level, first, count in places:
            wanted |= Q(level=level, index__gte=first, index__lt=first + count)
        rows = TreeHash.objects.using(using).filter(wanted).values_list("level", "index", "hash")
        known = {(level, index): bytes(found) for level, index, found in rows}

    def node(height: int, index: int) -> bytes:
        level, first, count = merkle.hashes_under(height, index)
        return merkle.perfect_root([known[level, at] for at in range(first, first + count)])

    return node


def lock() -> None:
    """Held until commit: entries are appended in commit order, so a reader who has seen n has seen all below n."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


# pg_advisory_xact_lock key of the log; the number means nothing.
LOCK = 7_265_103
