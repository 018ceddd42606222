"""What the public may know of a model: only models that a record in force names, and the bases those derive from.

The catalogue also knows models from reports nobody has decided on, and what derives from what among them; this is the
one place that keeps them apart. A derivative is shown only if a record names it too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from catalogue import lineage
from catalogue.filesafety.findings import HubStatus, HubVerdict, Meaning
from catalogue.hub import Reference, hubs
from catalogue.lineage import Path
from catalogue.models import Drift, Inspection, Lookup, Model, Openness, Snapshot
from catalogue.naming import find_alias, names_of
from catalogue.snapshots import drift_since, use_by_week
from incidents import concerned, model_records
from incidents.concerned import Counted
from incidents.model_facts import public_snapshot
from incidents.models import Affected, Incident, RecordedName
from incidents.record import AffectedStatus, Kind, Status
from incidents.search import of_model

MOST_INCIDENTS = 100
MOST_INHERITED = 50
MOST_STATEMENTS = 50
# The primary key of no model.
NOT_STORED = 0
_AT_ISSUE = frozenset({AffectedStatus.AFFECTED, AffectedStatus.UNDER_INVESTIGATION})
MOST_WEEKS = 104


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
class Said:
    """What a publisher says in a record that names the model: a `Statement` of the document, about this model alone."""

    record: str
    by: str
    at: str
    text: str
    statuses: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Pages:
    """Which page of the records is wanted, and of the inherited ones: cursors, and how many on each."""

    after: str = ""
    inherited_after: str = ""
    size: int = MOST_INCIDENTS


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
    total: int  # records in force that name it; `incidents` are a page of them, newest first
    incidents: tuple[Incident, ...]
    next: str  # the cursor of the page after; "" at the end
    direct: Counted  # the records that concern it
    inherited_counts: Counted  # those on its bases; `inherited` are a page of them
    inherited: tuple[Inherited, ...]
    inherited_next: str
    statements: tuple[Said, ...]  # newest record first
    bases: tuple[Relative, ...]
    derivatives: tuple[Relative, ...]
    openness: dict[str, Any] | None  # catalogue.openness.Profile.as_dict()
    safety: dict[str, Any] | None  # of its files, by `_public_safety`; None where nothing was looked at
    inspected_at: datetime | None  # when; None too where that was before the first record on it
    inspected_revision: str  # the commit that was looked at; "" where `inspected_at` is None
    use: tuple[Use, ...]  # oldest first, since the first record on it


def resolve(hub: str, name: str) -> Model | None:
    """The model by the hub's name for it or by one that a record uses, letter case aside; None where it is not public.

    It starts from what is public: a name that only a pending report used finds nothing, and nothing else is looked at.
    A name that records use and the catalogue does not know gives a model that is not stored.
    """
    if hub not in hubs() or "\x00" in name:
        return None
    shown = Model.objects.filter(hub=hub, shown=True, name_key=name.lower()).first()
    if shown is not None:
        return shown
    in_records = Affected.objects.filter(hub=hub, name_key=name.lower()).exclude(incident__status=Status.WITHDRAWN)
    if not in_records.exists():
        return None
    alias = find_alias(hub, name)
    return alias.model if alias else Model(hub=hub, name=name)


def records_naming(model: Model) -> QuerySet[Incident]:
    """The records in force that name the model, by any of its names or its stable id."""
    names = names_of(model) if model.pk else [model.name]
    return of_model(model.hub, names, model.stable_id or "")


def most_named(limit: int) -> list[tuple[str, str, int]]:
    """The models most records in force name as concerned: hub, name, how many records."""
    rows = RecordedName.objects.filter(concerned__gt=0).order_by("-concerned", "name")
    return list(rows.values_list("hub", "name", "concerned")[:limit])


def describe(model: Model, pages: Pages) -> PublicModel:
    """What the public may know of a model that `resolve` gave. Raises BadCursorError."""
    names = names_of(model) if model.pk else [model.name]
    everything = of_model(model.hub, names, model.stable_id or "")
    page = model_records.newest(everything, after=pages.after, limit=pages.size)
    rows = _naming_rows(model, names, everything)
    name = model.name if model.stable_id or not rows else rows[0].name
    hub, reference = hubs()[model.hub], Reference(model.hub, name)
    above = lineage.ancestors(model) if model.pk else {}
    below = lineage.descendants(model) if model.pk else {}
    # Asked of all that derives from it, public or not: how long it takes must not tell whether the catalogue knows any.
    counted = concerned.direct({*above, *below, model.pk or NOT_STORED})
    below = {pk: path for pk, path in below.items() if pk in counted}
    relatives = _relatives({**above, **below}, counted)
    inherited = model_records.inherited(
        model.pk or NOT_STORED, above, after=pages.inherited_after, limit=min(pages.size, MOST_INHERITED)
    )
    lookup = _last_lookup(model, name)
    latest = public_snapshot(model)
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
        incidents=page.rows,
        next=page.next,
        direct=counted.get(model.pk, Counted()) if model.pk else _by_name_alone(model, everything),
        inherited_counts=concerned.inherited({model.pk or NOT_STORED: above}).get(model.pk, Counted()),
        inherited=tuple(Inherited(incident, relatives[base]) for incident, base in inherited.found),
        inherited_next=inherited.next,
        statements=tuple(_statements(everything, model, names)),
        bases=tuple(relatives[pk] for pk in above),
        derivatives=tuple(relatives[pk] for pk in below),
        openness=_openness(model) if latest else None,
        safety=_public_safety(inspection.safety) if inspection else None,
        inspected_at=inspected_at,
        inspected_revision=inspection.revision if inspection and inspected_at else "",
        use=_use(model, first) if latest else (),
    )


def history(model: Model) -> QuerySet[Snapshot]:
    """What the hub said of the default branch since the first record, while the repository was public."""
    first = _first_published(records_naming(model))
    if not model.pk or first is None:
        return Snapshot.objects.none()
    return Snapshot.objects.filter(model=model, revision_asked="", private=False, taken_at__gte=first)


def drift_of(model: Model) -> QuerySet[Drift]:
    """Changes since the first record: older ones would tell that somebody reported the model before."""
    first = _first_published(records_naming(model))
    return drift_since(model, first) if model.pk and first else Drift.objects.none()


def relatives(model: Model, *, below: bool) -> list[Relative]:
    """Its bases, or the public models that derive from it; the nearest first."""
    if not model.pk:
        return []
    paths = lineage.descendants(model) if below else lineage.ancestors(model)
    counted = concerned.direct(paths)
    shown = {pk: path for pk, path in paths.items() if not below or pk in counted}
    return nearest(_relatives(shown, counted).values())


def nearest(relatives: Iterable[Relative]) -> list[Relative]:
    """In the order of their distance, then by name."""
    return sorted(relatives, key=lambda one: (len(one.way), one.name))


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
    kept = Openness.objects.filter(model=model.pk).first() if model.pk else None
    return kept.profile if kept else None


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


def _naming_rows(model: Model, names: list[str], incidents: QuerySet[Incident]) -> list[Affected]:
    """The rows of the newest records that name this model, and not another one of the same record."""
    named = Q(name_key__in=[name.lower() for name in names])
    if model.stable_id:
        named |= Q(stable_id=model.stable_id)
    newest = incidents.order_by("-published_at", "-pk").values("pk")[:MOST_INCIDENTS]
    rows = Affected.objects.filter(named, hub=model.hub, incident__in=newest)
    return list(rows.order_by("pk"))


def _by_name_alone(model: Model, incidents: QuerySet[Incident]) -> Counted:
    """How many records concern a model that the catalogue does not know."""
    rows = Affected.objects.filter(hub=model.hub, name_key=model.name.lower())
    concerned_by = rows.exclude(status=AffectedStatus.NOT_AFFECTED).values("incident")
    return Counted(
        **incidents.filter(pk__in=concerned_by).aggregate(
            records=Count("pk"), incidents=Count("pk", filter=Q(kind=Kind.INCIDENT))
        )
    )


def _statements(incidents: QuerySet[Incident], model: Model, names: list[str]) -> Iterable[Said]:
    """Of the newest records that print any."""
    keys = {name.lower() for name in names}
    newest = incidents.filter(fact__statements__gt=0).order_by("-published_at", "-pk")[:MOST_STATEMENTS]
    for incident in newest:
        for said in json.loads(bytes(incident.document))["statements"]:
            about = [one for one in said["statuses"] if one["hub"] == model.hub and one["name"].lower() in keys]
            yield Said(incident.public_id, said["by"], said["at"], said["text"], tuple(about))


def _last_lookup(model: Model, name: str) -> Lookup | None:
    """The last answer about the hub's own name; what an old name leads to is nobody's business here."""
    answered = Lookup.objects.filter(alias__model=model.pk, revision="", answered_at__isnull=False)
    return answered.filter(alias__name_key=name.lower()).first() if model.pk else None


def relatives_by_key(paths: Mapping[int, Path]) -> dict[int, Relative]:
    """The models at the end of these paths, by primary key. Two queries."""
    return _relatives(paths, concerned.direct(paths))


def _relatives(paths: Mapping[int, Path], counted: Mapping[int, Counted]) -> dict[int, Relative]:
    names = dict(
        Model.objects.filter(pk__in={pk for path in paths.values() for pk in path.models}).values_list("pk", "name")
    )
    return {
        pk: Relative(
            name=names[pk],
            way=tuple(names[step] for step in path.models),
            relations=path.relations,
            records=counted.get(pk, Counted()).records,
        )
        for pk, path in paths.items()
    }
