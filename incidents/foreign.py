"""Records of other nodes as this node shows them: in what it finds, lists and counts, and never in its log.

Whoever calls this has checked the entry (`federation.applying`). Nothing here changes a word of it: the document is
the one that its origin signed, and only what its origin logged ever takes the place of it.
"""

import re
from datetime import datetime

from django.conf import settings
from django.db import transaction

from catalogue import naming, references
from catalogue.hub import Reference, UnreadableReferenceError
from incidents import overlay, publishing, tree
from incidents.leaves import Leaf
from incidents.models import Incident, Operation, Publication
from incidents.publishing import Standing
from incidents.record import AffectedModel, Record
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


def find(public_id: str, origin: str) -> Incident | None:
    """The record that is shown, or its tombstone. Raises NotTheirsError where that id is another node's."""
    incident = Incident.everything.select_for_update().filter(public_id=public_id).first()
    if origin == settings.NODE_NAME:
        raise NotTheirsError("it claims to be of this node")
    if incident and incident.origin != origin:
        raise NotTheirsError(f"{public_id} is a record of {incident.origin}, which alone may change it")
    return incident


@transaction.atomic
def show(leaf: Leaf, record: Record, document: bytes, *, index: int, at: datetime) -> Publication:
    """Shows this version, from entry `index` of its origin's log. Raises NotTheirsError."""
    tree.lock()
    incident = find(leaf.id, record.origin) or Incident(public_id=leaf.id, document=b"")
    if incident.erased_at:
        raise NotTheirsError(f"{leaf.id} was erased; that is final")
    _name_models(record)
    operation = publishing.operation_of(leaf, record, incident)
    shown = overlay.as_shown(incident, record)
    if shown is not record:
        operation = Operation.WITHDRAW  # here, for as long as this node hides it
    return publishing.show(incident, operation, shown, document, Standing(leaf.obj, index_at_origin=index), at=at)


@transaction.atomic
def show_again(leaf: Leaf, record: Record, document: bytes, *, index: int, at: datetime) -> Publication:
    """Shows an earlier version once more: an operator does not follow a withdrawal. Raises NotTheirsError."""
    tree.lock()
    incident = find(leaf.id, record.origin)
    if incident is None or incident.erased_at or incident.version <= record.version:
        raise NotTheirsError(f"there is no later version of {leaf.id} to go back from")
    standing = Standing(leaf.obj, index_at_origin=index)
    shown = overlay.as_shown(incident, record)
    operation = Operation.RESTORE if shown is record else Operation.WITHDRAW
    return publishing.show(incident, operation, shown, document, standing, at=at)


@transaction.atomic
def erase(leaf: Leaf, origin: str, *, index: int, at: datetime) -> Publication | None:
    """Takes every byte of the record away; None where nothing of it was ever shown. Raises NotTheirsError."""
    tree.lock()
    incident = find(leaf.id, origin)
    if incident is None or incident.erased_at:
        return None
    overlay.drop(incident)
    return publishing.take_away(incident, Standing(leaf.obj, index_at_origin=index), version=leaf.rev, at=at)


def _name_models(record: Record) -> None:
    """Asks hubs about its models, as about those of our own; in one order for all, so that nobody deadlocks."""
    found = {reference for model in record.affected[:MOST_MODELS] if (reference := _reference(model))}
    for reference in sorted(found, key=lambda one: (one.hub, one.name.lower())):
        naming.name_model(reference)


def _reference(model: AffectedModel) -> Reference | None:
    """The model on its hub, where name and package URL say the same of it."""
    try:
        found = references.read(model.purl or model.name)
    except UnreadableReferenceError:
        return None
    is_same = (found.hub, found.name.lower()) == (model.hub, model.name.lower())
    return Reference(found.hub, found.name) if is_same else None
