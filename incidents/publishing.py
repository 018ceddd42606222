"""Makes records public, each as an entry of the log: publish, correct, dispute, withdraw, merge, restore, erase.

With `incidents.showing`, which writes the rows, the only code that writes what the world reads. What becomes public is
numbered in commit order: as long as nothing came from other nodes (`incidents.foreign`), by its entry in the log, whose
entry 0 holds the node's keys; else past that.
"""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from incidents import facts, harvest, search_rows, sequencing, showing, tree
from incidents.exports import outdated
from incidents.leaves import Leaf, LeafOp, salted
from incidents.models import Incident, LogEntry, LogObject, Operation, Publication
from incidents.record import Record, Status
from incidents.showing import Standing, Version
from lib.canonical import canonical_bytes

ERASURE_SCHEMA: Literal["faultline/erasure/1"] = "faultline/erasure/1"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class NotPublishableError(ValueError):
    """The operation does not fit the record as it stands; the message says why."""


def mint_public_id(now: datetime) -> str:
    """A new public id: the year of publication and 40 random bits, which tell nothing of the queue behind it."""
    while True:
        public_id = f"FL-{now.year}-" + "".join(secrets.choice(_CROCKFORD) for _ in range(8))
        if not Incident.everything.filter(public_id=public_id).exists():
            return public_id


@transaction.atomic
def publish(record: Record) -> Publication:
    """Appends the first version of a record. `record.id` must be new."""
    tree.lock()
    if record.version != 1 or record.status is not Status.PUBLISHED:
        raise NotPublishableError("a first publication has version 1 and status published")
    if Incident.everything.filter(public_id=record.id).exists():
        raise NotPublishableError(f"{record.id} is already published")
    return _append(Incident(public_id=record.id), Operation.PUBLISH, record)


@transaction.atomic
def revise(operation: Operation, record: Record) -> Publication:
    """Appends the next version of a published record.

    A correction, a dispute, a withdrawal; a merge, which is a withdrawal in favour of the record that supersedes it; or
    a restoration, which takes a merge back.
    """
    tree.lock()
    incident = Incident.objects.select_for_update().filter(public_id=record.id).first()
    if incident is None:
        raise NotPublishableError(f"{record.id} was never published")
    if incident.origin != settings.NODE_NAME:
        raise NotPublishableError(f"only {incident.origin} may change {record.id}")
    if operation is Operation.RESTORE and not incident.superseded_by:
        raise NotPublishableError(f"{record.id} is not merged into another record")
    if operation is not Operation.RESTORE and incident.status == Status.WITHDRAWN:
        raise NotPublishableError(f"{record.id} was withdrawn; a withdrawal is final")
    if record.version != incident.version + 1:
        raise NotPublishableError(f"{record.id} is at version {incident.version}, not {record.version - 1}")
    if record.status not in _STATUS_AFTER[operation]:
        leaves = " or ".join(_STATUS_AFTER[operation])
        raise NotPublishableError(f"{operation} leaves a record {leaves}, not {record.status}")
    _refuse_wrong_successor(operation, record)
    return _append(incident, operation, record)


class ErasureReason(StrEnum):
    """Why a public record had to go; public itself."""

    PERSON = "person"
    UNLAWFUL = "unlawful"


@transaction.atomic
def erase(public_id: str, *, reason: ErasureReason, again: bool = False) -> Publication:
    """Takes every byte of a record away, in all versions; its entries stay, and one more says that it was erased.

    `again` says so once more of one that is erased: where the key that signed it was revoked.
    """
    tree.lock()
    incident = Incident.everything.select_for_update().filter(public_id=public_id).first()
    if incident is None:
        raise NotPublishableError(f"{public_id} was never published")
    if incident.origin != settings.NODE_NAME:
        raise NotPublishableError(f"only {incident.origin} may erase {public_id}")
    if incident.erased_at and not again:
        raise NotPublishableError(f"{public_id} is erased already")
    version, now = incident.version + 1, timezone.now().replace(microsecond=0)
    statement = {
        "erased": instant(now),
        "id": public_id,
        "origin": incident.origin,
        "reason": reason.value,
        "schema": ERASURE_SCHEMA,
        "version": version,
    }
    payload = salted("erasure", canonical_bytes(statement))
    return erased(sequencing.append(LeafOp.ERASE, public_id, version, payload, at=instant(now)), incident, now)


def erased(entry: LogEntry, incident: Incident, now: datetime) -> Publication:
    """Does what an entry of an erasure says; the caller holds the log's lock."""
    LogObject.objects.filter(entry__subject=entry.subject, entry__index__lt=entry.index).update(body=None)
    return take_away(incident, Standing.of(entry), version=entry.revision, at=now)


def take_away(incident: Incident, standing: Standing, *, version: int, at: datetime) -> Publication:
    """Empties a record, in all versions, because an entry of a log says so; the caller holds our log's lock."""
    publication = standing.publication(incident, Operation.ERASE, version, at)
    publication.save(force_insert=True)
    incident.publications.exclude(pk=publication.pk).update(document=b"", digest="")
    _empty(incident, version, at)
    harvest.project([publication])
    outdated.at_once()
    showing.tell()
    return publication


def _empty(incident: Incident, version: int, now: datetime) -> None:
    """Leaves the tombstone; whatever counts, finds or names the record lets it go."""
    named = showing.namings_of(incident)
    incident.affected.all().delete()
    incident.other_ids.all().delete()
    search_rows.remove(incident.pk)
    facts.recount_names([(named if facts.remove(incident.pk) else {}, {})])
    for column in ("kind", "category", "severity", "evidence_grade", "confidence", "title", "occurred", "digest"):
        setattr(incident, column, "")
    incident.version, incident.status, incident.superseded_by = version, Status.WITHDRAWN, ""
    incident.document, incident.modified_at, incident.erased_at = b"", now, now
    incident.save()
    showing.watch(named)


def _refuse_wrong_successor(operation: Operation, record: Record) -> None:
    """A merge names a record in force, every other operation none: so no chain of merges ever ends in a circle."""
    if (operation is Operation.MERGE) != bool(record.superseded_by):
        raise NotPublishableError("a merge, and nothing else, names the record that stands in its place")
    successor = Incident.objects.select_for_update().filter(public_id=record.superseded_by).first()
    if operation is Operation.MERGE and (successor is None or successor.status == Status.WITHDRAWN):
        raise NotPublishableError(f"{record.superseded_by} is no record in force")


_STATUS_AFTER: dict[Operation, tuple[Status, ...]] = {
    Operation.CORRECT: (Status.PUBLISHED,),
    Operation.DISPUTE: (Status.DISPUTED,),
    Operation.WITHDRAW: (Status.WITHDRAWN,),
    Operation.MERGE: (Status.WITHDRAWN,),
    Operation.RESTORE: (Status.PUBLISHED, Status.DISPUTED),
}


def instant(moment: datetime) -> str:
    """A moment as records write it: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(timezone.get_default_timezone()).strftime("%Y-%m-%dT%H:%M:%SZ")


# What the log's readers, who need not know our words for it, see each operation as.
LEAF_OPS: dict[Operation, LeafOp] = {
    Operation.PUBLISH: LeafOp.PUBLISH,
    Operation.CORRECT: LeafOp.REVISE,
    Operation.DISPUTE: LeafOp.REVISE,
    Operation.RESTORE: LeafOp.REVISE,
    Operation.WITHDRAW: LeafOp.RETRACT,
    Operation.MERGE: LeafOp.RETRACT,
    Operation.ERASE: LeafOp.ERASE,
}


def operation_of(leaf: Leaf, record: Record, before: Incident) -> Operation:
    """Which of our words the entry stands for: its own are fewer, and the record says the rest."""
    if leaf.op is LeafOp.PUBLISH:
        return Operation.PUBLISH
    if leaf.op is LeafOp.RETRACT:
        return Operation.MERGE if record.superseded_by else Operation.WITHDRAW
    if before.superseded_by:
        return Operation.RESTORE
    return Operation.DISPUTE if record.status is Status.DISPUTED else Operation.CORRECT


def _append(incident: Incident, operation: Operation, record: Record) -> Publication:
    document = canonical_bytes(record.document())
    entry = sequencing.append(
        LEAF_OPS[operation], record.id, record.version, salted("record", document), at=record.modified
    )
    return published(entry, incident, operation, record, document)


def published(
    entry: LogEntry, incident: Incident, operation: Operation, record: Record, document: bytes
) -> Publication:
    """Does what an entry of a record says; the caller holds the log's lock."""
    at = datetime.fromisoformat(record.modified)
    return showing.show([Version(incident, operation, record, document, Standing.of(entry), at)])[0]
