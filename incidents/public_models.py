"""What the public may know of a model: only models that a record in force names, and the bases those derive from.

The catalogue also knows models from reports nobody has decided on, and what derives from what among them; this is the
one place that keeps them apart. A derivative is shown only if a record names it too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Lower

from catalogue import lineage
from catalogue.filesafety.findings import HubStatus, HubVerdict, Meaning
from catalogue.hub import Reference, hubs
from catalogue.lineage import Path
from catalogue.models import Drift, Inspection, Lookup, Model, Snapshot
from catalogue.naming import find_alias, names_of
from catalogue.profiles import profile_of
from catalogue.snapshots import confirmed_snapshot, drift_since, use_by_week
from incidents.models import Affected, Incident
from incidents.record import AffectedStatus, Status
from incidents.search import of_model

MOST_INCIDENTS = 100
_AT_ISSUE = frozenset({AffectedStatus.AFFECTED, AffectedStatus.UNDER_INVESTIGATION})
MOST_WEEKS = 104

# By name and by stable id apart, so that each half walks an index: a base may have tens of thousands of derivatives.
_RECORDS = """
SELECT alias.model_id, affected.incident_id
FROM incidents_affected affected
JOIN incidents_incident incident ON incident.id = affected.incident_id AND incident.status <> %(gone)s
JOIN catalogue_alias alias ON alias.hub = affected.hub AND LOWER(alias.name) = affected.name_key
WHERE alias.model_id = ANY(%(pks)s) AND affected.status <> %(not_affected)s
UNION
SELECT model.id, affected.incident_id
FROM incidents_affected affected
JOIN incidents_incident incident ON incident.id = affected.incident_id AND incident.status <> %(gone)s
JOIN catalogue_model model ON model.hub = affected.hub AND model.stable_id = affected.stable_id
WHERE model.id = ANY(%(pks)s) AND affected.status <> %(not_affected)s
"""


@dataclass(frozen=True)
class Relative:
    """A base or a derivative: its name, the names and relations on the way to it, and how many records name it."""

    name: str
    way: tuple[str, ...]
    relations: tuple[str, ...]
    records: int


@dataclass(frozen=True)
class Inherited:
    """A record on a base, which may concern this model too, and the way up to that base."""

    incident: Incident
    base: Relative


@dataclass(frozen=True)
class Use:
    """How much a model is used: the last count in the week from that Monday on; None where the hub does not say.

    By week, because a model on record is asked about daily: on which day else it was asked would tell of a report.
    """

    week: date
    downloads: int | None  # in the 30 days before
    likes: int | None


@dataclass(frozen=True)
class PublicModel:
    """A model the public may see. `names` are the hub's name now and every name a record uses.

    `outcome` and `asked_at` are how the hub last answered, and when; "" and None before the first answer.
    """

    hub: str
    name: str
    stable_id: str
    names: tuple[str, ...]
    url: str
    purl: str
    revisions: tuple[str, ...]
    latest: Snapshot | None
    outcome: str
    asked_at: datetime | None
    drift: tuple[Drift, ...]
    total: int  # records in force that name it; `incidents` are the newest of them
    incidents: tuple[Incident, ...]
    inherited: tuple[Inherited, ...]
    bases: tuple[Relative, ...]
    derivatives: tuple[Relative, ...]
    openness: dict[str, Any] | None  # catalogue.openness.Profile.as_dict()
    safety: dict[str, Any] | None  # of its files, by `_public_safety`; None where nothing was looked at
    inspected_at: datetime | None  # when; None too where that was before the first record on it
    inspected_revision: str  # the commit that was looked at; "" where `inspected_at` is None
    use: tuple[Use, ...]  # oldest first, since the first record on it


def public_model(hub: str, name: str) -> PublicModel | None:
    """The model by the hub's name for it or by one that a record uses, letter case aside; None where it is not public.

    It starts from what is public: a name that only a pending report used finds nothing, and nothing else is looked at.
    """
    if hub not in hubs() or "\x00" in name:
        return None
    shown = Model.objects.filter(hub=hub, shown=True).alias(key=Lower("name")).filter(key=name.lower()).first()
    in_records = Affected.objects.filter(hub=hub, name_key=name.lower()).exclude(incident__status=Status.WITHDRAWN)
    if shown is not None:
        return _described(shown)
    if not in_records.exists():
        return None
    alias = find_alias(hub, name)
    return _described(alias.model if alias else Model(hub=hub, name=name))


def most_named(limit: int) -> list[tuple[str, str, int]]:
    """The models most records in force name as concerned: hub, name, how many records."""
    rows = (
        Affected.objects.exclude(hub="")
        .exclude(status=AffectedStatus.NOT_AFFECTED)
        .exclude(incident__status=Status.WITHDRAWN)
        .values_list("hub", "name")
        .annotate(records=Count("incident", distinct=True))
        .order_by("-records", "name")
    )
    return list(rows[:limit])


def _described(model: Model) -> PublicModel:
    names = names_of(model) if model.pk else [model.name]
    everything = of_model(model.hub, names, model.stable_id or "")
    incidents = tuple(everything.order_by("-published_at", "-pk")[:MOST_INCIDENTS])
    rows = _naming_rows(model, names, incidents)
    name = model.name if model.stable_id or not rows else rows[0].name
    hub, reference = hubs()[model.hub], Reference(model.hub, name)
    above = lineage.ancestors(model) if model.pk else {}
    below = lineage.descendants(model) if model.pk else {}
    below = {pk: below[pk] for pk in _named_by_records(below)}
    relatives = _relatives({**above, **below})
    lookup = _last_lookup(model, name)
    latest = _latest(model)
    first = _first_published(everything)
    inspection = _inspection(model) if latest else None
    inspected_at = _told(inspection.inspected_at, first) if inspection else None
    return PublicModel(
        hub=model.hub,
        name=name,
        stable_id=model.stable_id or "",
        names=tuple(dict.fromkeys([name, *(row.name for row in rows)])),
        url=hub.url(reference),
        purl=hub.purl(reference),
        revisions=tuple(dict.fromkeys(row.revision for row in rows if row.revision and row.status in _AT_ISSUE)),
        latest=latest,
        outcome=lookup.answer if lookup else "",
        asked_at=lookup.answered_at if lookup else None,
        drift=_drift(model, first),
        total=everything.count(),
        incidents=incidents,
        inherited=tuple(_inherited(above, relatives, everything)),
        bases=tuple(relatives[pk] for pk in above),
        derivatives=tuple(relatives[pk] for pk in below),
        openness=_openness(model) if latest else None,
        safety=_public_safety(inspection.safety) if inspection else None,
        inspected_at=inspected_at,
        inspected_revision=inspection.revision if inspection and inspected_at else "",
        use=_use(model, first) if latest else (),
    )


def _latest(model: Model) -> Snapshot | None:
    """What the hub last said, dated when it last said so; nothing of a private repository, which only we may see."""
    alias = find_alias(model.hub, model.name) if model.pk else None
    snapshot = confirmed_snapshot(alias, "") if alias else None
    return snapshot if snapshot and not snapshot.private else None


def _first_published(incidents: QuerySet[Incident]) -> datetime | None:
    return incidents.order_by("published_at").values_list("published_at", flat=True).first()


def _drift(model: Model, first: datetime | None) -> tuple[Drift, ...]:
    """Changes since the first record: older ones would tell that somebody reported the model before."""
    return tuple(drift_since(model, first).order_by("-noticed_at", "-pk")[:50]) if model.pk and first else ()


def _use(model: Model, first: datetime | None) -> tuple[Use, ...]:
    """Counts since the first record, as with changes."""
    weeks = use_by_week(model, first.date(), most=MOST_WEEKS) if first else ()
    return tuple(Use(week, row.downloads, row.likes) for week, row in weeks)


def _openness(model: Model) -> dict[str, Any] | None:
    profile = profile_of(model) if model.pk else None
    return profile.as_dict() if profile else None


def _inspection(model: Model) -> Inspection | None:
    """The last look into its files, unless the repository was private then. One query, whatever is found."""
    then = Snapshot.objects.filter(model=OuterRef("model"), revision_asked="", taken_at__lte=OuterRef("inspected_at"))
    private = Subquery(then.order_by("-taken_at", "-pk").values("private")[:1])
    return Inspection.objects.filter(model=model.pk).annotate(was_private=private).filter(was_private=False).first()


def _told(inspected_at: datetime | None, first: datetime | None) -> datetime | None:
    """As with changes: a look from before the first record would tell when somebody reported the model."""
    return inspected_at if inspected_at and first and inspected_at >= first else None


def _public_safety(safety: Mapping[str, Any]) -> dict[str, Any]:
    """What `catalogue.scanning` keeps, without when each file was read, which tells of reports, and what it took."""
    return {
        "files": [_public_file(file) for file in safety.get("files", [])],
        "findings": safety.get("findings", []),
        "not_scanned": safety.get("not_scanned", 0),
    }


def _public_file(file: Mapping[str, Any]) -> dict[str, Any]:
    """One file; a verdict of the hub is given by its meaning, as the hub's words promise too much."""
    scan = file["scan"]
    return {
        "path": file["path"],
        "format": (scan and scan["format"]) or file["format"],
        "hub_verdicts": [_public_verdict(verdict) for verdict in file["verdicts"]],
        "scan": scan and {key: value for key, value in scan.items() if key not in {"scanned_at", "cost"}},
    }


def _public_verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    meaning = HubVerdict(verdict["scanner"], HubStatus(verdict["status"])).meaning
    message = verdict["message"] if meaning is Meaning.ISSUES_REPORTED else ""
    return {"scanner": verdict["scanner"], "meaning": meaning.value, "message": message, "link": verdict["link"]}


def _naming_rows(model: Model, names: list[str], incidents: Iterable[Incident]) -> list[Affected]:
    """The rows of those records that name this model, and not another one of the same record."""
    keys = {name.lower() for name in names}
    rows = Affected.objects.filter(incident__in=[incident.pk for incident in incidents], hub=model.hub).order_by("pk")
    return [row for row in rows if row.name_key in keys or (row.stable_id and row.stable_id == model.stable_id)]


def _last_lookup(model: Model, name: str) -> Lookup | None:
    """The last answer about the hub's own name; what an old name leads to is nobody's business here."""
    answered = Lookup.objects.filter(alias__model=model.pk, revision="", answered_at__isnull=False)
    return answered.alias(key=Lower("alias__name")).filter(key=name.lower()).first() if model.pk else None


def _records_of(pks: Iterable[int]) -> dict[int, set[int]]:
    """The records in force that concern each of these models, by any name or the stable id: primary keys. One query."""
    found: dict[int, set[int]] = {}
    # Asked of nothing too: how long an answer takes must not tell whether the catalogue knows derivatives.
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORDS, {"pks": list(pks), "not_affected": AffectedStatus.NOT_AFFECTED, "gone": Status.WITHDRAWN}
        )
        for model, incident in cursor.fetchall():
            found.setdefault(model, set()).add(incident)
    return found


def _named_by_records(paths: dict[int, Path]) -> list[int]:
    records = _records_of(paths)
    return [pk for pk in paths if pk in records]


def _relatives(paths: dict[int, Path]) -> dict[int, Relative]:
    names = dict(
        Model.objects.filter(pk__in={pk for path in paths.values() for pk in path.models}).values_list("pk", "name")
    )
    records = _records_of(paths)
    return {
        pk: Relative(
            name=names[pk],
            way=tuple(names[step] for step in path.models),
            relations=path.relations,
            records=len(records.get(pk, ())),
        )
        for pk, path in paths.items()
    }


def _inherited(
    above: dict[int, Path], relatives: dict[int, Relative], direct: QuerySet[Incident]
) -> Iterable[Inherited]:
    """Records on bases, nearest base first, each once; none that names the model itself, as affected or as not."""
    seen = set(direct.values_list("pk", flat=True))
    records = _records_of(above)
    incidents = Incident.objects.in_bulk({pk for of_base in records.values() for pk in of_base})
    for base in sorted(above, key=lambda pk: len(above[pk].relations)):
        for pk in sorted(records.get(base, set()) - seen, reverse=True):
            seen.add(pk)
            yield Inherited(incidents[pk], relatives[base])
