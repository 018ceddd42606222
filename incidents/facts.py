"""What is counted of a record: one narrow row for each, and how often records name each model.

Both are projections of the public documents, written with every publication while the log is locked. `Fact.event` says
which records are on one event: those that share an id in another database, directly or through a third.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from incidents.models import Fact, OtherId, RecordedName
from incidents.record import AffectedModel, AffectedStatus, Record, Status
from incidents.taxonomy import OWN

_COLUMNS_OF_A_NAME = ["hub", "name_key", "name", "organisation", "named", "concerned"]
Name = tuple[str, str]  # hub and name, as records write them
Namings = Mapping[Name, bool]  # whether the record names it as concerned
# A name without letter case, a spelling of it, and by how much the records that name it, or concern it, change.
_Step = tuple[Name, str, int, int]


def organisation_of(hub: str, name: str) -> str:
    """The organisation whose a repository is, as `hub/organisation` in lower case; "" where its name has none."""
    owner, slash, _ = name.partition("/")
    return f"{hub}/{owner.lower()}" if hub and owner and slash else ""


def project(records: Mapping[int, Record]) -> None:
    """Writes what is counted of records, by primary key, as they stand now; call it once their other ids are there."""
    columns = {incident: fact_columns(record) for incident, record in records.items()}
    Fact.objects.bulk_create(
        (Fact(incident_id=incident, **values) for incident, values in columns.items()),
        update_conflicts=True,
        unique_fields=["incident"],
        update_fields=sorted({name for values in columns.values() for name in values}),
    )
    settle_events(records)


def remove(incident: int) -> bool:
    """Takes away what is counted of an erased record, and says anew what its event is; whether it was in force."""
    row = Fact.objects.filter(incident=incident).first()
    if row is None:
        return False
    others = Fact.objects.filter(event=row.event).exclude(pk=incident) if row.event else Fact.objects.none()
    tied = list(others.values_list("pk", flat=True))
    row.delete()
    _write_events(_component_of(tied))
    return row.status != Status.WITHDRAWN


def fact_columns(record: Record) -> dict[str, Any]:
    """The columns of a record's Fact but for its event. Models that are named as not affected do not count."""
    concerned = [model for model in record.affected if model.status is not AffectedStatus.NOT_AFFECTED]
    year, month = _occurred(record.occurred or "")
    terms = {f"{one.taxonomy}:{one.term}" for one in record.classifications} | {f"{OWN}:{record.category}"}
    return {
        "status": record.status,
        "kind": record.kind,
        "category": record.category,
        "severity": record.severity,
        "evidence_grade": record.evidence_grade,
        "confidence": record.confidence,
        "origin": record.origin,
        "published": int(record.published[:4]) * 100 + int(record.published[5:7]),
        "occurred_year": year,
        "occurred_month": month,
        "hubs": _each(model.hub or "" for model in concerned),
        "organisations": _each(organisation_of(model.hub or "", model.name) for model in concerned),
        "licences": _each(_licence(model) for model in concerned),
        "terms": _each(terms),
        "statements": len(record.statements),
    }


def _each(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def _licence(model: AffectedModel) -> str:
    return model.observed.licence.lower() if model.observed else ""


def _occurred(text: str) -> tuple[int | None, int | None]:
    year, month = text[:4], text[5:7]
    return int(year) if year else None, int(month) if month else None


def settle_events(incidents: Iterable[int]) -> None:
    """Says anew which records are on one event, for those that these are tied to, or were."""
    changed = set(incidents)
    former = Fact.objects.filter(incident__in=changed, event__isnull=False).values_list("event", flat=True)
    tied = changed | set(Fact.objects.filter(event__in=set(former)).values_list("pk", flat=True))
    _write_events(_component_of(tied))


# UNION drops what was seen: it ends, and a record is visited once.
_COMPONENT = """
WITH RECURSIVE tied(id) AS (
    SELECT unnest(%(start)s::bigint[])
  UNION
    SELECT other.incident_id
    FROM tied
    JOIN incidents_fact fact ON fact.incident_id = tied.id AND fact.status <> %(gone)s
    JOIN incidents_otherid mine ON mine.incident_id = tied.id
    JOIN incidents_otherid other ON other.key = mine.key AND other.incident_id <> mine.incident_id
    JOIN incidents_fact theirs ON theirs.incident_id = other.incident_id AND theirs.status <> %(gone)s
)
SELECT id FROM tied
"""


def _component_of(start: Iterable[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_COMPONENT, {"start": sorted(start), "gone": Status.WITHDRAWN})
        return [pk for (pk,) in cursor.fetchall()]


def _write_events(members: list[int]) -> None:
    """An event is named after the lowest of its records; a record alone on its event, or withdrawn, has none."""
    in_force = Fact.objects.filter(pk__in=members).exclude(status=Status.WITHDRAWN).values_list("pk", flat=True)
    keys = OtherId.objects.filter(incident__in=list(in_force)).values_list("key", "incident")
    heads = heads_of(keys)
    wanted = {pk: heads.get(pk) for pk in members}
    standing = dict(Fact.objects.filter(pk__in=members).values_list("pk", "event"))
    for event in set(wanted.values()):
        changed = [pk for pk, head in wanted.items() if head == event and standing.get(pk) != event]
        if changed:
            Fact.objects.filter(pk__in=changed).update(event=event)


def heads_of(keys: Iterable[tuple[str, int]]) -> dict[int, int]:
    """From pairs of an id elsewhere and a record: the lowest record of each event, by record; single ones left out."""
    above: dict[int, int] = {}
    first: dict[str, int] = {}
    for key, record in keys:
        here, there = _root(above, record), _root(above, first.setdefault(key, record))
        above[max(here, there)] = min(here, there)
    heads = {record: _root(above, record) for record in above}
    sizes = Counter(heads.values())
    return {record: head for record, head in heads.items() if sizes[head] > 1}


def _root(above: dict[int, int], record: int) -> int:
    while above.setdefault(record, record) != record:
        above[record] = above[above[record]]
        record = above[record]
    return record


def namings_of(rows: Iterable[tuple[str, str, str]]) -> dict[Name, bool]:
    """From hub, name and status of what a record affects: the names on hubs, and whether any row is concerned."""
    found: dict[Name, bool] = {}
    for hub, name, status in rows:
        if hub:
            found[hub, name] = found.get((hub, name), False) or status != AffectedStatus.NOT_AFFECTED
    return found


def recount_names(changes: Iterable[tuple[Namings, Namings]]) -> None:
    """Counts the names of records, as they were in force before, out, and those in force now in, in this order."""
    steps = [step for before, after in changes for step in _steps(_folded(before), _folded(after))]
    known = {
        (row.hub, row.name_key): row
        for row in RecordedName.objects.filter(
            hub__in={hub for (hub, _), *_ in steps}, name_key__in={key for (_, key), *_ in steps}
        )
    }
    for (hub, key), name, named, concerned in steps:
        row = known.get((hub, key))
        if row is None or row.named == 0:
            # A name that no record used any more takes the spelling of the next one that does.
            organisation = organisation_of(hub, name)
            row = known[hub, key] = RecordedName(
                hub=hub, name_key=key, name=name, organisation=organisation, named=0, concerned=0
            )
        row.named, row.concerned = row.named + named, row.concerned + concerned
    _write_names([known[key] for key in dict.fromkeys(key for key, *_ in steps)])


def _steps(old: Mapping[Name, tuple[str, bool]], new: Mapping[Name, tuple[str, bool]]) -> Iterable[_Step]:
    for key in sorted({*old, *new}):
        name, named, concerned = _difference(old.get(key), new.get(key))
        if named or concerned:
            yield key, name, named, concerned


def _write_names(rows: Iterable[RecordedName]) -> None:
    used = []
    for row in rows:
        if row.named:
            used.append(RecordedName(**{column: getattr(row, column) for column in _COLUMNS_OF_A_NAME}))
        else:
            RecordedName.objects.filter(hub=row.hub, name_key=row.name_key).delete()
    RecordedName.objects.bulk_create(
        used,
        update_conflicts=True,
        unique_fields=["hub", "name_key"],
        update_fields=["name", "organisation", "named", "concerned"],
    )


def _folded(namings: Namings) -> dict[Name, tuple[str, bool]]:
    """By hub and name without letter case: a spelling, and whether concerned."""
    found: dict[Name, tuple[str, bool]] = {}
    for (hub, name), concerned in sorted(namings.items()):
        known = found.get((hub, name.lower()), (name, False))
        found[hub, name.lower()] = (known[0], known[1] or concerned)
    return found


def _difference(old: tuple[str, bool] | None, new: tuple[str, bool] | None) -> tuple[str, int, int]:
    name = (new or old or ("", False))[0]
    named = (new is not None) - (old is not None)
    concerned = bool(new and new[1]) - bool(old and old[1])
    return name, named, concerned
