"""Fetching what the log lacks from a copy of it, after a restore from a backup that was older than the log.

Nothing of the copy is believed: each entry must follow the rules (`incidents.log_rules`), and all of them must have the
root that this node itself signed, as the guard or the copy's checkpoint shows.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from incidents import checkpoints, guard, publishing, sequencing, tree
from incidents.guard import LogRefusesError
from incidents.leaves import BadLeafError, Leaf, LeafOp, parse_leaf
from incidents.log_copy import BadCopyError, LogCopy
from incidents.log_models import Checkpoint, LogEntry
from incidents.log_rules import BrokenRuleError, VoidError, check_step, document_of, read_keys, read_object
from incidents.models import Incident, Operation
from incidents.record import Record, Status
from incidents.showing import Standing
from lib.merkle import TILE_WIDTH
from lib.notes import BadNoteError, TreeHead, open_note, parse_tree_head


def refill(address: str) -> int:
    """Adds the entries that the copy of the log at `address` has more; how many.

    Raises BadCopyError, LogRefusesError.
    """
    copy = LogCopy(address)
    keys = sequencing.current_keys()
    if keys is None:
        raise LogRefusesError("the database holds no entry of the log: restore a backup first, however old")
    try:
        note = copy.checkpoint()
        head = parse_tree_head(open_note(note, checkpoints.note_keys(keys)))
    except BadNoteError as error:
        raise BadCopyError(f"{copy.address}: {error}") from error
    last = guard.last_signed()
    if head.origin != settings.LOG_ORIGIN or (last and head.size < last.size):
        raise BadCopyError(f"the copy has {head.size} entries of {head.origin}: less than this node has signed")
    added = _add(copy, head, last, note)
    with guard.alone():
        guard.remember(note)
    return added


def accept_as_it_is() -> int:
    """Where no copy of the log exists: the database's last checkpoint counts as the last that was signed. Its size."""
    published = checkpoints.latest()
    if guard.last_signed() is not None:
        raise LogRefusesError(f"{guard.folder()} says what was signed last: there is nothing to accept")
    if published is None:
        raise LogRefusesError("nothing was ever signed: there is nothing to accept")
    with guard.alone():
        guard.remember(published.note)
    return published.size


@transaction.atomic
def _add(copy: LogCopy, head: TreeHead, last: TreeHead | None, note: str) -> int:
    tree.lock()
    size = tree.size()
    for index, data, text in copy.entries(size - size % TILE_WIDTH, head.size):
        try:
            _add_entry(index, data, text, size)
        except (BrokenRuleError, BadLeafError, ValidationError) as error:
            raise BadCopyError(f"entry {index} of the copy: {error}") from error
    for signed in filter(None, (last, head)):
        if tree.root(signed.size) != signed.root:
            raise BadCopyError(f"the first {signed.size} entries of the copy are not those that this node signed")
    unexplained = LogEntry.objects.filter(index__gte=size, object__body=None).values("subject")
    if (
        LogEntry.objects.filter(subject__in=unexplained)
        .exclude(subject__in=LogEntry.objects.filter(op=LeafOp.ERASE).values("subject"))
        .exists()
    ):
        raise BadCopyError("the copy lacks objects of records that were not erased")
    Checkpoint.objects.get_or_create(
        size=head.size, defaults={"root": head.root, "note": note, "signed_at": timezone.now()}
    )
    return max(head.size - size, 0)


def _add_entry(index: int, data: bytes, text: bytes | None, size: int) -> None:
    if index < size:
        if bytes(LogEntry.objects.get(pk=index).leaf) != data:
            raise BrokenRuleError("it is not the one of this database")
        return
    leaf = parse_leaf(data)
    previous = LogEntry.objects.filter(subject=leaf.id).order_by("-revision").first()
    check_step(leaf, parse_leaf(bytes(previous.leaf)) if previous else None)
    keys = sequencing.current_keys()
    if leaf.op is LeafOp.KEY:
        read_keys(index, leaf, text or b"", keys)
        sequencing.add(index, leaf, text)
        return
    if keys is None:
        raise BrokenRuleError("it stands before the keys")
    try:
        document = read_object(index, leaf, text, keys) if text else b""
    except VoidError:
        # It was public all the same, and its record may have been published again since.
        document = document_of(leaf, text or b"")
    _publish(sequencing.add(index, leaf, text), leaf, document)


def _publish(entry: LogEntry, leaf: Leaf, document: bytes) -> None:
    at = datetime.fromisoformat(leaf.t)
    blank = Incident(public_id=leaf.id, origin=settings.NODE_NAME, published_at=at, document=b"")
    incident = Incident.everything.filter(public_id=leaf.id).first() or blank
    if leaf.op is LeafOp.ERASE:
        publishing.erased(entry, incident, at)
    elif document:
        record = Record.model_validate_json(document)
        publishing.published(entry, incident, publishing.operation_of(leaf, record, incident), record, document)
    else:
        _without_document(entry, leaf, incident, at)


def _without_document(entry: LogEntry, leaf: Leaf, incident: Incident, at: datetime) -> None:
    """A version of a record that was erased later: the erasure follows, and is checked for at the end."""
    incident.version, incident.status, incident.modified_at = leaf.rev, Status.WITHDRAWN, at
    incident.save()
    operation = {LeafOp.PUBLISH: Operation.PUBLISH, LeafOp.RETRACT: Operation.WITHDRAW}.get(leaf.op, Operation.CORRECT)
    Standing.of(entry).publication(incident, operation, leaf.rev, at).save(force_insert=True)
