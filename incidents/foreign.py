"""Records of other nodes as this node shows them: in what it finds, lists and counts, and never in its log.

Whoever calls this has checked the entry (`federation.applying`). Nothing here changes a word of it: the document is
the one that its origin signed, and only what its origin logged ever takes the place of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from catalogue import naming, references
from catalogue.hub import Reference, UnreadableReferenceError
from incidents import overlay, publishing, showing, tree
from incidents.leaves import Leaf
from incidents.models import Incident, Operation, Publication
from incidents.record import AffectedModel, Record
from incidents.showing import Standing, Version
from lib.canonical import canonical_bytes

# In canonical JSON; a backslash before it would be text that only looks like it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
# Of a record that names more, the rest is shown as text.
MOST_MODELS = 50


class NotTheirsError(ValueError):
    """What was asked of the record is not its origin's to ask; the message is a clause that says why."""


def parse(document: bytes) -> Record:
    """The record of a document, or a ValueError: of another schema, or not in the form that every node writes."""
    record = Record.model_validate_json(document)
    if canonical_bytes(record.document()) != document:
        raise ValueError("the record is not in the form of this schema")
    if _NUL.search(document):
        raise ValueError("the record holds U+0000, which cannot be stored")
    return record


def find(public_ids: Iterable[str]) -> dict[str, Incident]:
    """The records that are shown under these ids, or their tombstones, locked in one order for all."""
    rows = Incident.everything.select_for_update().filter(public_id__in=list(public_ids)).order_by("pk")
    return {incident.public_id: incident for incident in rows}


def refuse_others(incident: Incident | None, origin: str) -> None:
    """Raises NotTheirsError where what is shown under an id, or that origin itself, is another node's than theirs."""
    if origin == settings.NODE_NAME:
        raise NotTheirsError("it claims to be of this node")
    if incident and incident.origin != origin:
        raise NotTheirsError(f"{incident.public_id} is a record of {incident.origin}, which alone may change it")


def refuse_erased(incident: Incident | None) -> None:
    """Raises NotTheirsError where nothing more can be shown under the id."""
    if incident and incident.erased_at:
        raise NotTheirsError(f"{incident.public_id} was erased; that is final")


@dataclass(frozen=True)
class Logged:
    """A version of a record, from entry `index` of its origin's log."""

    leaf: Leaf
    record: Record
    document: bytes
    index: int


@transaction.atomic
def show(versions: Sequence[Logged], *, at: datetime) -> list[Publication]:
    """Shows these versions, each of another record, in this order. Raises NotTheirsError."""
    tree.lock()
    found = find(one.leaf.id for one in versions)
    for one in versions:
        refuse_others(found.get(one.leaf.id), one.record.origin)
        refuse_erased(found.get(one.leaf.id))
    _name_models(one.record for one in versions)
    hidden = overlay.hidden_among(found.values())
    shown = []
    for one in versions:
        incident = found.get(one.leaf.id) or Incident(public_id=one.leaf.id, document=b"")
        operation = publishing.operation_of(one.leaf, one.record, incident)
        shown.append(_version(one, incident, operation, is_hidden=one.leaf.id in hidden, at=at))
    return showing.show(shown)


def _version(logged: Logged, incident: Incident, operation: Operation, *, is_hidden: bool, at: datetime) -> Version:
    """As it is to be shown here: as withdrawn, as long as this node hides the record."""
    record = logged.record
    if is_hidden:
        operation, record = Operation.WITHDRAW, overlay.as_hidden(record)
    standing = Standing(logged.leaf.obj, index_at_origin=logged.index)
    return Version(incident, operation, record, logged.document, standing, at)


@transaction.atomic
def show_again(logged: Logged, *, at: datetime) -> Publication:
    """Shows an earlier version once more: an operator does not follow a withdrawal. Raises NotTheirsError."""
    tree.lock()
    leaf, record = logged.leaf, logged.record
    incident = find([leaf.id]).get(leaf.id)
    refuse_others(incident, record.origin)
    if incident is None or incident.erased_at or incident.version <= record.version:
        raise NotTheirsError(f"there is no later version of {leaf.id} to go back from")
    is_hidden = bool(overlay.hidden_among([incident]))
    return showing.show([_version(logged, incident, Operation.RESTORE, is_hidden=is_hidden, at=at)])[0]


@transaction.atomic
def erase(leaf: Leaf, origin: str, *, index: int, at: datetime) -> Publication | None:
    """Takes every byte of the record away; None where nothing of it was ever shown. Raises NotTheirsError."""
    tree.lock()
    incident = find([leaf.id]).get(leaf.id)
    refuse_others(incident, origin)
    if incident is None or incident.erased_at:
        return None
    overlay.drop(incident)
    return publishing.take_away(incident, Standing(leaf.obj, index_at_origin=index), version=leaf.rev, at=at)


def _name_models(records: Iterable[Record]) -> None:
    """Asks hubs about their models, as about those of our own."""
    models = (model for record in records for model in record.affected[:MOST_MODELS])
    naming.name_models([reference for model in models if (reference := _reference(model))])


def _reference(model: AffectedModel) -> Reference | None:
    """The model on its hub, where name and package URL say the same of it."""
    try:
        found = references.read(model.purl or model.name)
    except UnreadableReferenceError:
        return None
    is_same = (found.hub, found.name.lower()) == (model.hub, model.name.lower())
    return Reference(found.hub, found.name) if is_same else None
