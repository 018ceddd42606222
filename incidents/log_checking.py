"""Deriving the whole log again from its rows: leaves, objects, signatures, keys, hashes, checkpoints, what is read."""

import json
from collections.abc import Iterator

from django.conf import settings

from incidents import guard
from incidents.keys import KeySet, Purpose
from incidents.leaves import KEYS, BadLeafError, Leaf, LeafOp, parse_leaf
from incidents.log_models import Checkpoint, LogEntry, TreeHash
from incidents.log_rules import BrokenRuleError, VoidError, check_step, read_keys, read_object
from incidents.models import Incident, Operation, Publication
from incidents.publishing import LEAF_OPS
from lib.canonical import digest
from lib.merkle import TILE_HEIGHT, GrowingTree, leaf_hash
from lib.notes import BadNoteError, NoteKey, TreeHead, open_note, parse_tree_head

_CHUNK = 500
# No record has this id.
_CHECKPOINT = ""


def problems() -> Iterator[str]:
    """One sentence for each thing that does not hold; nothing where all of it does."""
    last_signed = guard.last_signed()  # before the rows, which may go on growing
    try:
        keys = _keys()
    except (BrokenRuleError, BadLeafError) as error:
        yield f"a key event: {error}"
        return
    walk = _Walk(keys, last_signed)
    yield from walk.entries()
    yield from walk.at_the_end()
    yield from _not_as_served(walk.leaves, walk.documents, walk.superseded)


def _keys() -> KeySet | None:
    keys: KeySet | None = None
    for entry in LogEntry.objects.filter(subject=KEYS).order_by("revision").select_related("object"):
        leaf = parse_leaf(bytes(entry.leaf))
        keys = read_keys(entry.index, leaf, bytes(entry.object.body or b""), keys)
    return keys


class _Walk:
    """One pass over the entries, in order; remembers of each record its last leaf and little more."""

    def __init__(self, keys: KeySet | None, last_signed: TreeHead | None) -> None:
        self._keys = keys
        self._tree = GrowingTree()
        self._levels: dict[int, Iterator[tuple[int, bytes]]] = {}
        self._checkpoints = Checkpoint.objects.order_by("size").iterator(chunk_size=_CHUNK)
        self._checkpoint = next(self._checkpoints, None)
        self._last_signed = last_signed
        self._bodiless: dict[str, int] = {}
        self._void: dict[str, tuple[int, str]] = {}
        self.leaves: dict[str, Leaf] = {}
        self.documents: dict[str, str] = {}
        self.superseded: dict[str, str] = {}

    def entries(self) -> Iterator[str]:
        rows = LogEntry.objects.order_by("index").select_related("object").iterator(chunk_size=_CHUNK)
        ours = Publication.objects.filter(entry__isnull=False).order_by("entry").select_related("incident")
        published = ours.iterator(chunk_size=_CHUNK)
        publication = next(published, None)
        expected = 0
        for entry in rows:
            if entry.index != expected:
                yield f"#{expected} is missing"
            expected = entry.index + 1
            while publication and (publication.entry_id or 0) < entry.index:
                yield f"#{publication.entry_id}: it was published, but is not in the log"
                publication = next(published, None)
            mine = publication if publication and publication.entry_id == entry.index else None
            publication = next(published, None) if mine else publication
            yield from (f"#{entry.index}: {problem}" for problem in self._entry(entry, mine))
        while publication:
            yield f"#{publication.entry_id}: it was published, but is not in the log"
            publication = next(published, None)

    def _entry(self, entry: LogEntry, publication: Publication | None) -> Iterator[str]:
        data = bytes(entry.leaf)
        yield from self._hashed(entry.index, data)
        try:
            leaf = parse_leaf(data)
            before = self.leaves.get(leaf.id)
            self.leaves[leaf.id] = leaf
            check_step(leaf, before)
        except (BadLeafError, BrokenRuleError) as error:
            yield str(error)
            return
        if (entry.op, entry.subject, entry.revision, entry.object_id) != (leaf.op, leaf.id, leaf.rev, leaf.obj):
            yield "the row says something else than its leaf"
        if leaf.op is not LeafOp.KEY:
            yield from self._object(entry, leaf, publication)

    def _object(self, entry: LogEntry, leaf: Leaf, publication: Publication | None) -> Iterator[str]:
        if publication is None or self._keys is None:
            yield "nothing was published by it"
            return
        facts = (publication.incident.public_id, publication.version, publication.object_digest)
        if facts != (leaf.id, leaf.rev, leaf.obj) or LEAF_OPS[Operation(publication.operation)] is not leaf.op:
            yield "what was published is not what the leaf says"
        if entry.object.body is None:
            self._bodiless.setdefault(leaf.id, entry.index)
            if publication.document:
                yield "the object is gone, but the document is still there"
            return
        self._void.pop(leaf.id, None)
        yield from self._signed_document(entry, leaf, publication, self._keys)

    def _signed_document(self, entry: LogEntry, leaf: Leaf, publication: Publication, keys: KeySet) -> Iterator[str]:
        document = bytes(publication.document)
        try:
            signed = read_object(entry.index, leaf, bytes(entry.object.body or b""), keys)
            if leaf.op is LeafOp.ERASE:
                self._bodiless.pop(leaf.id, None)
                return
            if signed != document or digest(document) != publication.digest:
                yield "the document is not the one in the signed object, or does not have the digest beside it"
        except VoidError as error:
            self._void[leaf.id] = (entry.index, str(error))
        except BrokenRuleError as error:
            yield str(error)
        self.documents[leaf.id] = digest(document)
        yield from self._successor(leaf.id, document)

    def _successor(self, public_id: str, document: bytes) -> Iterator[str]:
        try:
            successor = str(json.loads(document).get("superseded_by") or "")
        except (ValueError, AttributeError):
            return
        if successor and successor not in self.leaves:
            yield f"{public_id} is merged into {successor}, which the log does not have"
        self.superseded[public_id] = successor

    def _hashed(self, index: int, leaf: bytes) -> Iterator[str]:
        completed = self._tree.add(leaf_hash(leaf))
        for height, found in completed[::TILE_HEIGHT]:
            level, place = height // TILE_HEIGHT, index >> height
            if next(self._stored(level), None) != (place, found):
                yield f"hash {place} of level {level} is not the one of the tree"
        size = index + 1
        while self._checkpoint and self._checkpoint.size <= size:
            yield from self._signed(self._checkpoint, size)
            self._checkpoint = next(self._checkpoints, None)
        if self._last_signed and self._last_signed.size == size and self._last_signed.root != self._tree.root():
            yield "this node signed another history up to here"

    def _stored(self, level: int) -> Iterator[tuple[int, bytes]]:
        if level not in self._levels:
            rows = TreeHash.objects.filter(level=level).order_by("index").values_list("index", "hash")
            self._levels[level] = ((index, bytes(found)) for index, found in rows.iterator(chunk_size=_CHUNK))
        return self._levels[level]

    def _signed(self, checkpoint: Checkpoint, size: int) -> Iterator[str]:
        key = self._keys.at(Purpose.LOG, size - 1) if self._keys else None
        if key is None or self._keys is None:
            said = f"the key that signed the checkpoint of {size} entries was revoked, and none was signed since"
            self._void[_CHECKPOINT] = (size - 1, said)
            return
        self._void.pop(_CHECKPOINT, None)
        try:
            head = parse_tree_head(open_note(checkpoint.note, [NoteKey(self._keys.origin, key.public)]))
        except BadNoteError as error:
            yield f"the checkpoint of {checkpoint.size} entries: {error}"
            return
        if (head.origin, head.size, head.root) != (self._keys.origin, size, self._tree.root()):
            yield f"the checkpoint of {checkpoint.size} entries is not of this tree"

    def at_the_end(self) -> Iterator[str]:
        yield from (f"#{index}: {problem}" for index, problem in self._void.values())
        for public_id, index in self._bodiless.items():
            yield f"#{index}: the object is gone, but nothing in the log says that {public_id} was erased"
        if self._checkpoint:
            yield f"a checkpoint covers {self._checkpoint.size} entries, but the log has {self._tree.size}"
        if self._last_signed and self._last_signed.size > self._tree.size:
            yield f"this node signed {self._last_signed.size} entries, but the log has {self._tree.size}"
        for level, left in self._levels.items():
            if next(left, None):
                yield f"level {level} has more hashes than the tree"


def _not_as_served(leaves: dict[str, Leaf], documents: dict[str, str], superseded: dict[str, str]) -> Iterator[str]:
    columns = ("public_id", "version", "digest", "document", "superseded_by", "erased_at")
    # What is of other nodes stands in their logs: `federation.auditing`.
    ours = Incident.everything.filter(origin=settings.NODE_NAME)
    for incident in ours.only(*columns).iterator(chunk_size=_CHUNK):
        leaf = leaves.get(incident.public_id)
        if leaf is None or leaf.rev != incident.version:
            yield f"{incident.public_id}: what is served is not the last version in the log"
        elif (leaf.op is LeafOp.ERASE) != (incident.erased_at is not None):
            yield f"{incident.public_id}: the log and what is served differ on whether it was erased"
        elif incident.erased_at is None:
            if {documents.get(incident.public_id)} != {digest(bytes(incident.document)), incident.digest}:
                yield f"{incident.public_id}: what is served is not the last version in the log"
            if superseded.get(incident.public_id) != incident.superseded_by:
                yield f"{incident.public_id}: it leads to another record than the log says"
