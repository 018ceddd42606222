"""Deriving again what is kept and shown of other nodes: leaves, roots, objects, outcomes, and what readers find.

`incidents.log_checking` is the same for our own log. Nothing is repaired here: each problem is said in a sentence.
"""

from collections.abc import Iterator

from django.conf import settings

from federation.models import Mirror, Peer, PulledEntry, PulledHash, Verdict
from incidents.leaves import BadLeafError, LeafOp, parse_leaf
from incidents.log_rules import BrokenRuleError, document_of
from incidents.models import STANDS, Fact, HarvestRow, Incident, Publication, SearchRow
from lib.canonical import digest
from lib.merkle import TILE_HEIGHT, GrowingTree, leaf_hash
from lib.notes import BadNoteError, parse_tree_head

_CHUNK = 500
# Whatever has one of these was put aside for a reason that stands in it.
_WITHOUT_OBJECT = {Verdict.QUARANTINED, Verdict.ERASED}


def problems() -> Iterator[str]:
    """One sentence for each thing that does not hold; nothing where all of it does."""
    for peer in Peer.objects.order_by("domain"):
        for problem in _Walk(peer).problems():
            yield f"{peer.domain}: {problem}"
    yield from _unexplained()
    yield from _not_found()


class _Walk:
    """One pass over what is kept of a peer's log, in order."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._tree = GrowingTree()
        self._mirror = Mirror.objects.filter(peer=peer).first()
        self._levels: dict[int, Iterator[tuple[int, bytes]]] = {}
        self._last: dict[str, Publication] = {}

    def problems(self) -> Iterator[str]:
        rows = PulledEntry.objects.filter(peer=self._peer).order_by("index")
        related = ("object", "outcome", "outcome__publication", "outcome__publication__incident")
        for entry in rows.select_related(*related).iterator(chunk_size=_CHUNK):
            expected = self._tree.size
            if entry.index != expected:
                yield f"#{expected} is missing"
                return
            for problem in (*self._hashed(entry), *self._entry(entry)):
                yield f"#{entry.index}: {problem}"
        yield from self._at_the_end()
        yield from self._served()

    def _hashed(self, entry: PulledEntry) -> Iterator[str]:
        for height, found in self._tree.add(leaf_hash(bytes(entry.leaf)))[::TILE_HEIGHT]:
            level, place = height // TILE_HEIGHT, entry.index >> height
            if next(self._stored(level), None) != (place, found):
                yield f"hash {place} of level {level} is not the one of the tree"
        if self._mirror and self._mirror.size == self._tree.size and not _is_of(self._mirror.note, self._tree):
            yield "the checkpoint that is handed on is not of this tree"

    def _stored(self, level: int) -> Iterator[tuple[int, bytes]]:
        if level not in self._levels:
            rows = PulledHash.objects.filter(peer=self._peer, level=level).order_by("index")
            pairs = rows.values_list("index", "hash").iterator(chunk_size=_CHUNK)
            self._levels[level] = ((index, bytes(found)) for index, found in pairs)
        return self._levels[level]

    def _entry(self, entry: PulledEntry) -> Iterator[str]:
        outcome = getattr(entry, "outcome", None)
        if not hasattr(entry, "object"):
            yield "the row of its object is missing"
            return
        if (outcome is None) != (entry.index >= self._peer.applied):
            yield "what became of it is missing" if outcome is None else "it took effect before its turn"
            return
        if outcome is None:
            return
        if outcome.verdict == Verdict.SHOWN and outcome.publication is None:
            yield "it is said to be shown, but nothing was published by it"
        if outcome.publication is not None:
            yield from self._published(entry, outcome.publication)
        elif entry.object.body is None and outcome.verdict not in _WITHOUT_OBJECT and not _is_erased(entry):
            yield "its object is gone, but nothing in the log says that the record was erased"

    def _published(self, entry: PulledEntry, publication: Publication) -> Iterator[str]:
        facts = (publication.incident.public_id, publication.version, publication.object_digest)
        if facts != (entry.subject, entry.revision, entry.object_digest):
            yield "what was published is not what the leaf says"
        if entry.op != LeafOp.ERASE and publication.document:
            yield from _not_as_signed(entry, publication)
        latest = self._last.get(entry.subject)
        if latest is None or latest.number < publication.number:
            self._last[entry.subject] = publication

    def _at_the_end(self) -> Iterator[str]:
        if self._tree.size != self._peer.size:
            yield f"{self._peer.size} entries were verified, but {self._tree.size} are kept"
        elif self._peer.size and self._tree.root() != bytes(self._peer.root):
            yield "the entries kept do not have the root that was verified"
        if self._mirror and self._mirror.size > self._tree.size:
            yield "the checkpoint that is handed on covers more than is kept"
        for level, left in self._levels.items():
            if next(left, None):
                yield f"level {level} has more hashes than the tree"

    def _served(self) -> Iterator[str]:
        shown = {one.public_id: one for one in Incident.everything.filter(origin=self._peer.domain)}
        for public_id, publication in self._last.items():
            incident = shown.pop(public_id, None)
            if incident is None or not _is_as_published(incident, publication):
                yield f"{public_id}: what is shown is not the last version that took effect"
        for public_id in shown:
            yield f"{public_id}: it is shown, but no entry that is kept led to that"


def _is_as_published(incident: Incident, at_least: Publication) -> bool:
    """Whether it is what was published last, which may be an earlier version that an operator had shown again."""
    last = incident.publications.order_by("-number").first()
    if last is None or last.number < at_least.number or last.version != incident.version:
        return False
    document = bytes(last.document)
    if incident.erased_at:
        return not document
    return (bytes(incident.document), incident.digest) == (document, digest(document))


def _is_of(note: str, tree: GrowingTree) -> bool:
    try:
        return parse_tree_head(note.partition("\n\n")[0] + "\n").root == tree.root()
    except BadNoteError:
        return False


def _is_erased(entry: PulledEntry) -> bool:
    later = PulledEntry.objects.filter(peer=entry.peer_id, subject=entry.subject, index__gt=entry.index)
    return later.filter(op=LeafOp.ERASE).exists()


def _not_as_signed(entry: PulledEntry, publication: Publication) -> Iterator[str]:
    try:
        signed = document_of(parse_leaf(bytes(entry.leaf)), bytes(entry.object.body or b""))
    except (BadLeafError, BrokenRuleError) as error:
        yield str(error)
        return
    if signed != bytes(publication.document) or digest(signed) != publication.digest:
        yield "the document is not the one in the signed object, or does not have the digest beside it"


def _unexplained() -> Iterator[str]:
    domains = Peer.objects.values("domain")
    strays = Incident.everything.exclude(origin=settings.NODE_NAME).exclude(origin__in=domains)
    for public_id, origin in strays.values_list("public_id", "origin"):
        yield f"{origin}: {public_id} is shown, but no such peer was ever followed"


def _not_found() -> Iterator[str]:
    """Of other nodes and of ours alike: what finds, counts and lists each record that can be read."""
    standing = Incident.objects.all()
    listed = standing.exclude(overlay__hidden_at__isnull=False)
    for name, without in (
        ("search", listed.exclude(pk__in=SearchRow.objects.filter(until=STANDS).values("incident"))),
        ("counts", standing.exclude(pk__in=Fact.objects.values("incident"))),
        ("harvests", Incident.everything.exclude(pk__in=HarvestRow.objects.values("incident"))),
    ):
        for public_id, origin in without.values_list("public_id", "origin"):
            yield f"{origin}: {public_id} is missing from {name}"
