"""Reading another node's log: what is signed, continues what is kept, and has its root, is kept too. No more.

Nothing takes effect here: that is `federation.applying`. The copy that is read may be the node's own or anybody's
mirror of it; nothing of it is believed. Rules: docs/federation.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import timezone

from federation import mirror
from federation.known_keys import keys_of, signers
from federation.models import Evidence, EvidenceKind, Mirror, Peer, PulledEntry, PulledHash, PulledObject
from incidents.keys import KeySet, Purpose
from incidents.leaves import KEYS, BadLeafError, Leaf, LeafOp, parse_leaf
from incidents.log_copy import BadCopyError, LogCopy, TooLargeError
from incidents.log_rules import BrokenRuleError, check_step, read_keys
from lib.canonical import digest
from lib.merkle import TILE_WIDTH, BadProofError, check_consistency, consistency_ranges, root_of
from lib.notes import BadNoteError, NoteKey, TreeHead, open_note, parse_tree_head
from lib.wake import wake

log = structlog.get_logger()

# Entries of one transaction, a multiple of a tile's: what a worker that is killed has to read again.
BATCH = 4 * TILE_WIDTH


class ContradictionError(RuntimeError):
    """The node signed two trees of which one does not continue the other. Both are kept as evidence."""


class PassedOnError(RuntimeError):
    """Another worker has read on meanwhile."""


@dataclass(frozen=True)
class Reading:
    """A checkpoint of a copy that may be read on from; `is_signed` by a key that was known when it was opened."""

    copy: LogCopy
    note: str
    head: TreeHead
    is_signed: bool


@dataclass
class _Batch:
    """Entries on their way into the mirror."""

    first: int
    leaves: list[bytes]
    objects: list[bytes | None]
    growth: mirror.Growth
    keys: KeySet | None


def open_copy(peer: Peer, copy: LogCopy) -> Reading:
    """Its checkpoint, signed and no contradiction to what is kept. Raises BadCopyError, ContradictionError."""
    note = copy.checkpoint()
    try:
        head = parse_tree_head(open_note(note, signers(peer, keys_of(peer))))
        is_signed = True
    except BadNoteError as error:
        head = _head_to_prove(note, error)
        is_signed = False
    if head.origin != peer.origin:
        raise BadCopyError(f"{copy.address}: this is the log of {head.origin[:200]}, not of {peer.origin}")
    if not is_signed and head.size <= peer.size:
        raise BadCopyError(f"{copy.address}: no known key signed its checkpoint")
    reading = Reading(copy, note, head, is_signed)
    if head.size < max(peer.size, 1):
        _check_older(peer, reading)
    elif peer.size:
        _check_newer(peer, reading)
    return reading


def read_on(peer: Peer, reading: Reading) -> int:
    """Keeps the next batch of entries, which lead to the checkpoint; how many. Raises BadCopyError, PassedOnError."""
    start, end = peer.size, _end(peer, reading)
    if end <= start:
        return 0
    if Peer.objects.values_list("size", flat=True).get(pk=peer.pk) != start:
        raise PassedOnError(f"{peer.domain}: another worker has read on")
    batch = _fetched(peer, reading, start, end)
    _check_leads_to(reading, batch)
    _check_signed(peer, reading, batch)
    _keep(peer, reading, batch)
    return end - start


def _head_to_prove(note: str, error: BadNoteError) -> TreeHead:
    """What a note says that no known key signed: entries that are still to come may say whose key did."""
    try:
        return parse_tree_head(note.partition("\n\n")[0] + "\n")
    except BadNoteError:
        raise BadCopyError(str(error)) from error


def _check_older(peer: Peer, reading: Reading) -> None:
    """A copy may lag behind, but not differ."""
    if reading.is_signed and reading.head.size and mirror.root(peer.pk, reading.head.size) != reading.head.root:
        _contradicted(peer, reading, {"kept_root": mirror.root(peer.pk, reading.head.size).hex()})
    raise BadCopyError(f"{reading.copy.address}: it has {reading.head.size} entries, fewer than the {peer.size} kept")


def _check_newer(peer: Peer, reading: Reading) -> None:
    head, kept = reading.head, bytes(peer.root)
    if peer.seen_note and reading.is_signed and (seen := _seen(peer)).size == head.size and seen.root != head.root:
        _contradicted(peer, reading, {})
    if head.size == peer.size:
        if head.root == kept:
            return
        raise BadCopyError(f"{reading.copy.address}: its checkpoint is not of the entries kept")
    proof = _proof(reading, peer.size)
    try:
        check_consistency(peer.size, kept, head.size, head.root, proof)
    except BadProofError as error:
        other = root_of((0, peer.size), lambda height, index: reading.copy.node(height, index, head.size))
        try:
            check_consistency(peer.size, other, head.size, head.root, proof)
        except BadProofError:
            raise BadCopyError(f"{reading.copy.address}: its tiles do not lead to its checkpoint") from error
        if reading.is_signed:
            hashes = {"size": peer.size, "kept_root": kept.hex(), "other_root": other.hex()}
            _contradicted(peer, reading, {**hashes, "consistency": [one.hex() for one in proof]})
        raise BadCopyError(f"{reading.copy.address}: it continues another log than the one kept") from error


def _seen(peer: Peer) -> TreeHead:
    return parse_tree_head(peer.seen_note.partition("\n\n")[0] + "\n")


def _proof(reading: Reading, size: int) -> list[bytes]:
    """That the checkpoint's tree begins with its first `size` leaves, from the copy's tiles."""
    parts = consistency_ranges(size, reading.head.size)
    return [root_of(part, lambda height, index: reading.copy.node(height, index, reading.head.size)) for part in parts]


def _contradicted(peer: Peer, reading: Reading, proof: dict[str, object]) -> None:
    distrust(peer, EvidenceKind.CHECKPOINTS, peer.seen_note, reading.note, proof)
    raise ContradictionError(f"{peer.domain} signed two logs that do not continue each other; both are kept")


def distrust(peer: Peer, kind: EvidenceKind, first: str, second: str, proof: dict[str, object]) -> None:
    """Keeps proof of a contradiction; from now on nothing of that node is shown by itself."""
    with transaction.atomic():
        _, is_new = Evidence.objects.get_or_create(
            peer=peer,
            digest=digest(f"{_unsigned(first)}\x00{_unsigned(second)}".encode()),
            defaults={"kind": kind, "first": first, "second": second, "proof": proof},
        )
        peer.distrusted_at = peer.distrusted_at or timezone.now()
        Peer.objects.filter(pk=peer.pk, distrusted_at=None).update(distrusted_at=peer.distrusted_at)
    if is_new:
        log.error("a node contradicted itself", peer=peer.domain, kind=kind.value)


def _unsigned(text: str) -> str:
    """Without a note's signatures: the same two trees are the same evidence, whoever cosigned them since."""
    return text.partition("\n\n")[0]


def _end(peer: Peer, reading: Reading) -> int:
    """Where this batch ends: with the log, or with a whole tile."""
    # One that only later entries can show to be signed must be read in one piece.
    most = BATCH if reading.is_signed else peer.most_entries
    end = (peer.size + max(most, TILE_WIDTH)) // TILE_WIDTH * TILE_WIDTH
    return min(end, reading.head.size)


def _fetched(peer: Peer, reading: Reading, start: int, end: int) -> _Batch:
    keys, last_event = keys_of(peer), _last_key_event(peer)
    batch = _Batch(start, [], [], mirror.Growth(peer.pk, start), keys)
    for first in range(start - start % TILE_WIDTH, end, TILE_WIDTH):
        width, skip = min(TILE_WIDTH, end - first), max(start - first, 0)
        leaves = reading.copy.leaves(first, width)[skip:]
        batch.objects += _objects(peer, reading.copy, first, width, leaves)
        batch.leaves += leaves
    for offset, (leaf, text) in enumerate(zip(batch.leaves, batch.objects, strict=True)):
        batch.growth.add(leaf)
        if (found := _parsed(leaf)) and found.id == KEYS:
            batch.keys, last_event = _next_keys(start + offset, found, text, batch.keys, last_event), found
    if batch.keys is None:
        raise BadCopyError(f"{reading.copy.address}: the log does not begin with its keys")
    return batch


def _objects(peer: Peer, copy: LogCopy, first: int, width: int, leaves: Sequence[bytes]) -> list[bytes | None]:
    """The last objects of a tile, for these leaves; None for what is gone, too large, or not what the leaf names."""
    try:
        found = copy.objects(first, width)[-len(leaves) :]
    except TooLargeError:
        found = [_single(peer, copy, leaf) for leaf in leaves]
    return [_as_named(peer, leaf, text) for leaf, text in zip(leaves, found, strict=True)]


def _single(peer: Peer, copy: LogCopy, data: bytes) -> bytes | None:
    leaf = _parsed(data)
    small = LogCopy(copy.address, most_bytes=peer.most_object_bytes + 1)
    try:
        return small.get(f"object/{leaf.obj}") if leaf else None
    except BadCopyError:
        return None


def _as_named(peer: Peer, data: bytes, text: bytes | None) -> bytes | None:
    leaf = _parsed(data)
    return text if leaf and text and is_object(peer, leaf.obj, text) else None


def is_object(peer: Peer, sha256: str, text: bytes) -> bool:
    """Whether these are the bytes that a leaf names, and none that could not be handed on as a line of many."""
    return digest(text) == sha256 and len(text) <= peer.most_object_bytes and b"\n" not in text


def _parsed(data: bytes) -> Leaf | None:
    try:
        return parse_leaf(data)
    except BadLeafError:
        return None


def _last_key_event(peer: Peer) -> Leaf | None:
    entry = PulledEntry.objects.filter(peer=peer, subject=KEYS, op=LeafOp.KEY).order_by("-index").first()
    return parse_leaf(bytes(entry.leaf)) if entry else None


def _next_keys(index: int, leaf: Leaf, text: bytes | None, before: KeySet | None, last: Leaf | None) -> KeySet:
    """A log whose keys cannot be told cannot be judged: a bad key event ends the reading."""
    try:
        check_step(leaf, last)
        return read_keys(index, leaf, text or b"", before)
    except BrokenRuleError as error:
        raise BadCopyError(f"entry {index}, a key event: {error}") from error


def _check_leads_to(reading: Reading, batch: _Batch) -> None:
    size, root, head = batch.growth.size, batch.growth.root(), reading.head
    try:
        check_consistency(size, root, head.size, head.root, _proof(reading, size) if size < head.size else ())
    except BadProofError as error:
        raise BadCopyError(f"{reading.copy.address}: the entries do not have the checkpoint's root") from error


def _check_signed(peer: Peer, reading: Reading, batch: _Batch) -> None:
    """By the key that counts at its last entry where that is known, else by one that is known or pinned."""
    keys, size = batch.keys, reading.head.size
    if keys is None or keys.origin != peer.origin:
        raise BadCopyError(f"{reading.copy.address}: the keys are those of another log")
    counting = keys.at(Purpose.LOG, size - 1)
    is_whole = batch.growth.size == size
    last = [NoteKey(keys.origin, counting.public)] if counting and is_whole else []
    try:
        open_note(reading.note, last if is_whole else signers(peer, keys))
    except BadNoteError as error:
        raise BadCopyError(f"{reading.copy.address}: {error}") from error
    if is_whole and peer.key.public not in {key.public for key in keys.of(Purpose.LOG)}:
        raise BadCopyError(f"{reading.copy.address}: the pinned key is none of this log's")


@transaction.atomic
def _keep(peer: Peer, reading: Reading, batch: _Batch) -> None:
    held = Peer.objects.select_for_update().get(pk=peer.pk)
    if held.size != batch.first:
        raise PassedOnError(f"{peer.domain}: another worker has read up to {held.size}")
    now = timezone.now()
    rows = [_row(peer, batch.first + offset, leaf) for offset, leaf in enumerate(batch.leaves)]
    for row in rows:
        row.pulled_at = now
    PulledEntry.objects.bulk_create(rows)
    PulledObject.objects.bulk_create(
        PulledObject(entry=row, digest=row.object_digest, body=text if row.object_digest else None)
        for row, text in zip(rows, batch.objects, strict=True)
    )
    PulledHash.objects.bulk_create(batch.growth.rows)
    peer.size, peer.root = batch.growth.size, batch.growth.root()
    peer.seen, peer.seen_note = max(peer.seen, reading.head.size), reading.note
    peer.history = peer.history or reading.head.size
    if peer.size == reading.head.size:
        named = {"origin": peer.origin, "origin_digest": peer.origin_digest}
        Mirror.objects.update_or_create(peer=peer, defaults={**named, "size": peer.size, "note": reading.note})
        wake("checkpoint kept")
    fields = ("size", "root", "seen", "seen_note", "history")
    Peer.objects.filter(pk=peer.pk).update(**{name: getattr(peer, name) for name in fields})


def _row(peer: Peer, index: int, data: bytes) -> PulledEntry:
    leaf = _parsed(data)
    if leaf is None or not _can_be_stored(leaf):
        return PulledEntry(peer=peer, index=index, leaf=data)
    return PulledEntry(
        peer=peer, index=index, leaf=data, op=leaf.op, subject=leaf.id, revision=leaf.rev, object_digest=leaf.obj
    )


def _can_be_stored(leaf: Leaf) -> bool:
    texts = (leaf.id, leaf.obj, leaf.t, leaf.prev or "")
    if not all(isinstance(one, str) and "\x00" not in one for one in texts) or not isinstance(leaf.rev, int):
        return False
    return len(leaf.obj) == 64 and 0 < leaf.rev < 2**31  # noqa: PLR2004 - SHA-256 in hex; PostgreSQL's integer
