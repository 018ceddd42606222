"""Appends to the public log: publish, correct, dispute, withdraw, merge, restore.

The only code that writes what the world reads.

The log: number n = 1, 2, 3, ... in commit order without a gap; leaf(n) = RFC 8785 bytes of
{"at", "digest", "id", "number", "operation", "version"}; chain(n) = SHA-256(chain(n-1) || leaf(n)), where chain(0) is
32 zero bytes.
"""

import json
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from catalogue import visibility
from catalogue.naming import find_alias, names_of
from incidents import facts, harvest, position, search_rows
from incidents.exports import outdated
from incidents.models import Affected, Incident, Operation, OtherId, Publication
from incidents.record import AffectedModel, AffectedStatus, Match, Record, Status
from incidents.search import of_model
from lib.canonical import canonical_bytes, chain, digest
from lib.wake import wake

# pg_advisory_xact_lock key of the log; the number means nothing.
_LOG_LOCK = 7_265_103
# Of a row of `Affected`: no hub has commits longer than that.
_LONGEST_REVISION = 64
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class NotPublishableError(ValueError):
    """The operation does not fit the record as it stands; the message says why."""


def mint_public_id(now: datetime) -> str:
    """A new public id: the year of publication and 40 random bits, which tell nothing of the queue behind it."""
    while True:
        public_id = f"FL-{now.year}-" + "".join(secrets.choice(_CROCKFORD) for _ in range(8))
        if not Incident.objects.filter(public_id=public_id).exists():
            return public_id


@transaction.atomic
def publish(record: Record) -> Publication:
    """Appends the first version of a record. `record.id` must be new."""
    _lock_log()
    if record.version != 1 or record.status is not Status.PUBLISHED:
        raise NotPublishableError("a first publication has version 1 and status published")
    if Incident.objects.filter(public_id=record.id).exists():
        raise NotPublishableError(f"{record.id} is already published")
    return _append(Incident(public_id=record.id), Operation.PUBLISH, record)


@transaction.atomic
def revise(operation: Operation, record: Record) -> Publication:
    """Appends the next version of a published record.

    A correction, a dispute, a withdrawal; a merge, which is a withdrawal in favour of the record that supersedes it; or
    a restoration, which takes a merge back.
    """
    _lock_log()
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


def leaf(publication: Publication, public_id: str) -> bytes:
    """The bytes of a log entry that the chain covers."""
    return canonical_bytes(
        {
            "at": instant(publication.at),
            "digest": publication.digest,
            "id": public_id,
            "number": publication.number,
            "operation": publication.operation,
            "version": publication.version,
        }
    )


def _lock_log() -> None:
    """Held until commit: numbers are given in commit order, so a reader who has seen n has seen all below n."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])


def _append(incident: Incident, operation: Operation, record: Record) -> Publication:
    document = canonical_bytes(record.document())
    _project(incident, record, document)
    last = Publication.objects.order_by("-number").first()
    publication = Publication(
        number=last.number + 1 if last else 1,
        incident=incident,
        operation=operation,
        version=record.version,
        at=incident.modified_at,
        document=document,
        digest=incident.digest,
    )
    publication.chain = chain(last.chain if last else "", leaf(publication, record.id))
    publication.save(force_insert=True)
    search_rows.project(publication)
    harvest.project(publication)
    if record.status is Status.WITHDRAWN:
        outdated.at_once()
    wake("record published")
    position.forget()
    transaction.on_commit(position.forget)
    return publication


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
    """(hub, name, status) of each model that its document names; of none before its first."""
    document = json.loads(bytes(incident.document)) if incident.pk else {"affected": []}
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
