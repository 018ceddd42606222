"""Makes records public, each as an entry of the log: publish, correct, dispute, withdraw, merge, restore, erase.

The only code that writes what the world reads. What becomes public is numbered in commit order: as long as nothing came
from other nodes (`incidents.foreign`), by its entry in the log, whose entry 0 holds the node's keys; else past that.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalogue import visibility
from catalogue.naming import find_alias, names_of
from incidents import facts, harvest, position, search_rows, sequencing, tree
from incidents.exports import outdated
from incidents.leaves import Leaf, LeafOp, salted
from incidents.models import Affected, Incident, LogEntry, LogObject, Operation, OtherId, Publication
from incidents.record import AffectedModel, AffectedStatus, Match, Record, Status
from incidents.search import of_model
from lib.canonical import canonical_bytes, digest
from lib.wake import wake

ERASURE_SCHEMA: Literal["faultline/erasure/1"] = "faultline/erasure/1"
# Of a row of `Affected`: no hub has commits longer than that.
_LONGEST_REVISION = 64
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


def take_away(incident: Incident, standing: "Standing", *, version: int, at: datetime) -> Publication:
    """Empties a record, in all versions, because an entry of a log says so; the caller holds our log's lock."""
    publication = standing.publication(incident, Operation.ERASE, version, at)
    publication.save(force_insert=True)
    incident.publications.exclude(pk=publication.pk).update(document=b"", digest="")
    _empty(incident, version, at)
    harvest.project(publication)
    outdated.at_once()
    tell()
    return publication


def _empty(incident: Incident, version: int, now: datetime) -> None:
    """Leaves the tombstone; whatever counts, finds or names the record lets it go."""
    named = facts.namings_of(_said(incident))
    incident.affected.all().delete()
    incident.other_ids.all().delete()
    search_rows.remove(incident.pk)
    facts.recount_names(named if facts.remove(incident.pk) else {}, {})
    for column in ("kind", "category", "severity", "evidence_grade", "confidence", "title", "occurred", "digest"):
        setattr(incident, column, "")
    incident.version, incident.status, incident.superseded_by = version, Status.WITHDRAWN, ""
    incident.document, incident.modified_at, incident.erased_at = b"", now, now
    incident.save()
    _watch(set(named))


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
    return show(incident, operation, record, document, Standing.of(entry), at=datetime.fromisoformat(record.modified))


@dataclass(frozen=True)
class Standing:
    """Where the entry behind a publication stands, ours or another node's, and the signed object that it names."""

    object_digest: str
    entry: LogEntry | None = None
    index_at_origin: int | None = None

    @classmethod
    def of(cls, entry: LogEntry) -> "Standing":
        """In our own log."""
        return cls(entry.object_id, entry=entry)

    def publication(self, incident: Incident, operation: Operation, version: int, at: datetime) -> Publication:
        """The row under the next number, without a document; the caller holds our log's lock."""
        return Publication(
            number=next_number(self.entry),
            entry=self.entry,
            index_at_origin=self.index_at_origin,
            incident=incident,
            operation=operation,
            version=version,
            at=at,
            document=b"",
            digest="",
            object_digest=self.object_digest,
        )


def next_number(entry: LogEntry | None = None) -> int:
    """The number after the last one, and not below the entry's own index; the caller holds our log's lock."""
    last = Publication.objects.order_by("-number").values_list("number", flat=True).first() or 0
    return max(last + 1, entry.index if entry else 1)


def show(
    incident: Incident, operation: Operation, record: Record, document: bytes, standing: Standing, *, at: datetime
) -> Publication:
    """Shows a version of a record as it stands in a log, from `at` on; the caller holds our log's lock."""
    _project(incident, record, document)
    publication = standing.publication(incident, operation, record.version, at)
    publication.document, publication.digest = document, incident.digest
    publication.save(force_insert=True)
    search_rows.project(publication)
    harvest.project(publication)
    if record.status is Status.WITHDRAWN:
        outdated.at_once()
    tell()
    return publication


def tell() -> None:
    """Lets those know who follow the log."""
    wake("record published")
    position.forget()
    transaction.on_commit(position.forget)


def _project(incident: Incident, record: Record, document: bytes) -> None:
    was_in_force = incident.pk is not None and incident.status != Status.WITHDRAWN
    before = facts.namings_of(_said(incident))
    for column in (
        "origin",
        "version",
        "status",
        "kind",
        "category",
        "severity",
        "evidence_grade",
        "confidence",
        "title",
    ):
        setattr(incident, column, getattr(record, column))
    incident.occurred = record.occurred or ""
    incident.superseded_by = record.superseded_by or ""
    incident.published_at = datetime.fromisoformat(record.published)
    incident.modified_at = datetime.fromisoformat(record.modified)
    incident.document = document
    incident.digest = digest(document)
    incident.save()
    incident.affected.all().delete()
    incident.other_ids.all().delete()
    Affected.objects.bulk_create(_affected(incident, record))
    OtherId.objects.bulk_create(
        OtherId(incident=incident, key=key) for key in sorted({a.lower() for a in record.aliases})
    )
    after = facts.namings_of((model.hub or "", model.name, model.status) for model in record.affected)
    facts.project(incident, record)
    facts.recount_names(before if was_in_force else {}, after if record.status is not Status.WITHDRAWN else {})
    _watch({*before, *after})


def _said(incident: Incident) -> list[tuple[str, str, str]]:
    """(hub, name, status) of each model that its document names; of none before its first, or once it is erased."""
    document = json.loads(bytes(incident.document)) if incident.document else {"affected": []}
    return [(model["hub"] or "", model["name"], model["status"]) for model in document["affected"]]


def _watch(concerned: set[tuple[str, str]]) -> None:
    """Settles for these names (hub, name) whether a record in force names their models, now that one has changed."""
    aliases = [alias for hub, name in sorted(concerned) if (alias := find_alias(hub, name))]
    models = {alias.model_id: alias.model for alias in aliases}
    named = frozenset(
        pk for pk, model in models.items() if of_model(model.hub, names_of(model), model.stable_id or "").exists()
    )
    visibility.settle(models.values(), named=named)


def _affected(incident: Incident, record: Record) -> Iterable[Affected]:
    """A row for each model, and one for each revision that the record says is fixed or not affected."""
    for model in record.affected:
        yield _affected_row(incident, model)
        settled = dict.fromkeys(model.not_affected_in, AffectedStatus.NOT_AFFECTED)
        settled |= dict.fromkeys(model.fixed_in, AffectedStatus.FIXED)
        for revision, status in settled.items():
            said = {"revision": revision[:_LONGEST_REVISION], "status": status, "match": Match.REVISION, "files": ()}
            yield _affected_row(incident, model.model_copy(update=said))


def _affected_row(incident: Incident, model: AffectedModel) -> Affected:
    return Affected(
        incident=incident,
        hub=model.hub or "",
        name=model.name,
        name_key=model.name.lower(),
        stable_id=model.stable_id or "",
        revision=model.revision or "",
        status=model.status,
        match=model.match,
        file_paths=[file.path for file in model.files],
        file_digests=[file.sha256 for file in model.files if file.sha256],
    )
