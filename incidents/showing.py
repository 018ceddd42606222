"""Shows versions of records as they stand in logs, ours and others': the one place that writes what finds them.

Many are shown at once, by as many statements as one takes. However many, the rows are those that they would have left
one after another.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from catalogue import visibility
from catalogue.naming import find_aliases, names_of
from incidents import facts, harvest, position, search_rows
from incidents.exports import outdated
from incidents.facts import Name, Namings
from incidents.models import Affected, Incident, LogEntry, Operation, OtherId, Publication
from incidents.record import AffectedModel, AffectedStatus, Match, Record, Status
from incidents.search import of_model
from lib.canonical import digest
from lib.wake import wake

# Of a row of `Affected`: no hub has commits longer than that.
_LONGEST_REVISION = 64
_SAME_IN_BOTH = (
    "origin",
    "version",
    "status",
    "kind",
    "category",
    "severity",
    "evidence_grade",
    "confidence",
    "title",
)
_COLUMNS = (*_SAME_IN_BOTH, "occurred", "superseded_by", "published_at", "modified_at", "document", "digest")


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

    def publication(
        self, incident: Incident, operation: Operation, version: int, at: datetime, *, after: int | None = None
    ) -> Publication:
        """The row under the number after `after` (None: the last one), without a document.

        The number is not below the index of an entry of ours. The caller holds our log's lock.
        """
        last = last_number() if after is None else after
        return Publication(
            number=max(last + 1, self.entry.index if self.entry else 1),
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


@dataclass(frozen=True)
class Version:
    """A version to show from `at` on: the record's row as it is, which may be new; the record as it is to be found."""

    incident: Incident
    operation: Operation
    record: Record
    document: bytes
    standing: Standing
    at: datetime


def last_number() -> int:
    """Of all that became public here; 0 before the first."""
    return Publication.objects.order_by("-number").values_list("number", flat=True).first() or 0


def show(versions: Sequence[Version]) -> list[Publication]:
    """Shows these versions, in this order, each of another record; the caller holds our log's lock."""
    project(versions)
    publications: list[Publication] = []
    last = last_number()
    for one in versions:
        row = one.standing.publication(one.incident, one.operation, one.record.version, one.at, after=last)
        row.document, row.digest = one.document, one.incident.digest
        publications.append(row)
        last = row.number
    Publication.objects.bulk_create(publications)
    search_rows.project(publications)
    harvest.project(publications)
    if any(one.record.status is Status.WITHDRAWN for one in versions):
        outdated.at_once()
    tell()
    return publications


def tell() -> None:
    """Lets those know who follow the log."""
    wake("record published")
    position.forget()
    transaction.on_commit(position.forget)


def project(versions: Sequence[Version]) -> None:
    """Writes what is read, named and counted of the records, as `show` does, and no publication."""
    before = [namings_of(one.incident) for one in versions]
    was_in_force = [one.incident.pk is not None and one.incident.status != Status.WITHDRAWN for one in versions]
    _save(versions)
    Affected.objects.bulk_create(row for one in versions for row in _affected(one.incident, one.record))
    OtherId.objects.bulk_create(
        OtherId(incident=one.incident, key=key)
        for one in versions
        for key in sorted({alias.lower() for alias in one.record.aliases})
    )
    facts.project({one.incident.pk: one.record for one in versions})
    after = [_namings(one.record) for one in versions]
    counted_out = [names if stood else {} for names, stood in zip(before, was_in_force, strict=True)]
    counted_in = [_in_force(one.record, names) for one, names in zip(versions, after, strict=True)]
    facts.recount_names(list(zip(counted_out, counted_in, strict=True)))
    watch({name for names in (*before, *after) for name in names}, named={name for one in counted_in for name in one})


def namings_of(incident: Incident) -> Namings:
    """What its document names; nothing before its first one, or once it is erased."""
    document = json.loads(bytes(incident.document)) if incident.document else {"affected": []}
    return facts.namings_of((model["hub"] or "", model["name"], model["status"]) for model in document["affected"])


def _namings(record: Record) -> Namings:
    return facts.namings_of((model.hub or "", model.name, model.status) for model in record.affected)


def _in_force(record: Record, names: Namings) -> Namings:
    return {} if record.status is Status.WITHDRAWN else names


def watch(concerned: Iterable[Name], *, named: Collection[Name] = ()) -> None:
    """Settles for these names whether a record in force names their models, now that some have changed.

    Of the names in `named` it is known that one does.
    """
    aliases = find_aliases(concerned)
    sure = {aliases[key].model_id for hub, name in named if (key := (hub, name.lower())) in aliases}
    models = {alias.model_id: alias.model for _, alias in sorted(aliases.items())}
    found = {
        pk
        for pk, model in models.items()
        if pk not in sure and of_model(model.hub, names_of(model), model.stable_id or "").exists()
    }
    visibility.settle(models.values(), named=frozenset(sure | found))


def _save(versions: Sequence[Version]) -> None:
    """The records' rows as they are to be read; what hung on the former ones goes."""
    for one in versions:
        _fill(one.incident, one.record, one.document)
    incidents = [one.incident for one in versions]
    known = [incident for incident in incidents if incident.pk is not None]
    Incident.everything.bulk_create(incident for incident in incidents if incident.pk is None)
    if known:
        Incident.everything.bulk_create(known, update_conflicts=True, unique_fields=["id"], update_fields=_COLUMNS)
        Affected.objects.filter(incident__in=known).delete()
        OtherId.objects.filter(incident__in=known).delete()


def _fill(incident: Incident, record: Record, document: bytes) -> None:
    for column in _SAME_IN_BOTH:
        setattr(incident, column, getattr(record, column))
    incident.occurred = record.occurred or ""
    incident.superseded_by = record.superseded_by or ""
    incident.published_at = datetime.fromisoformat(record.published)
    incident.modified_at = datetime.fromisoformat(record.modified)
    incident.document = document
    incident.digest = digest(document)


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
