"""What was probably reported before: candidates by index, and a score that says where each point comes from.

A candidate shares a link, a run of wording or a model with the subject. At most 100 points: 40 for links, 40 for
wording, 20 for the model. Each kind of candidate is bounded, so the cost does not grow with the number of reports.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from catalogue.hub import Reference, UnreadableReferenceError, hubs
from catalogue.models import Lineage
from catalogue.references import read
from incidents.models import Affected, Incident
from incidents.record import Record
from reports.embargo import visible_reports
from reports.models import Case, CaseModel, CaseState, Fingerprint, NamedModel, Report
from reports.similarity import BINS, ROWS, bands, likeness, normalised_url, signature

LINKS, WORDING, MODEL = 40, 40, 20
SOME_LINKS = 30
SAME_REPOSITORY, SAME_NAME, SAME_FAMILY = 15, 12, 8
LEAST_POINTS = 25
MOST_SHOWN = 10
MOST_OF_A_KIND = 200
# Estimates below this are noise of the signature.
LEAST_WORDING = 0.1

# How many bands two signatures share. A band's key holds its place, so it is enough to compare place by place; to count
# in the unnested array costs ten times as much.
_ALIKE = " + ".join(f"(bands[{place + 1}] = ANY(%(band_{place})s::int[]))::int" for place in range(BINS // ROWS))
_NEAR = f"""
(SELECT report_id, incident_id, links, signature FROM reports_fingerprint
 WHERE links && %(links)s::text[] LIMIT %(most)s)
UNION
(SELECT report_id, incident_id, links, signature FROM (
    SELECT * FROM reports_fingerprint WHERE bands && %(bands)s::int[] LIMIT 20 * %(most)s
 ) few ORDER BY ({_ALIKE}) DESC LIMIT %(most)s)
UNION
(SELECT fingerprint.report_id, NULL::bigint, links, signature FROM reports_fingerprint fingerprint JOIN (
    SELECT DISTINCT named.report_id
    FROM reports_namedmodel named JOIN catalogue_alias alias ON alias.id = named.alias_id
    WHERE alias.model_id = ANY(%(models)s) ORDER BY named.report_id DESC LIMIT %(most)s
 ) recent ON recent.report_id = fingerprint.report_id)
"""  # noqa: S608 - numbers of ours alone


@dataclass(frozen=True)
class Subject:
    """What is compared. `models`: (the catalogue's key, revision, file); `names`: of models on no hub."""

    links: frozenset[str] = frozenset()
    signature: tuple[int, ...] = ()
    models: frozenset[tuple[int, str, str]] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """One part of a score: points of at most `most`, and why, in words."""

    name: str
    points: int
    most: int
    words: str


@dataclass(frozen=True)
class Duplicate:
    """Something that is probably about the same event: a report nobody has grouped, a case, or a public record."""

    parts: tuple[Part, ...]
    report: Report | None = None
    case: Case | None = None
    incident: Incident | None = None
    points: int = field(init=False)

    def __post_init__(self) -> None:
        """Adds the parts up."""
        object.__setattr__(self, "points", sum(part.points for part in self.parts))


# --- Scores ----------------------------------------------------------------------------------------------------------
def score(one: Subject, other: Subject, relatives: frozenset[int] = frozenset()) -> tuple[Part, ...]:
    """How much two subjects have in common. `relatives`: models one step up or down from a model of `one`."""
    return (_links(one, other), _wording(one, other), _model(one, other, relatives))


def _links(one: Subject, other: Subject) -> Part:
    shared = one.links & other.links
    if not shared:
        return Part("Links", 0, LINKS, "none in common" if one.links and other.links else "none to compare")
    fewest = min(len(one.links), len(other.links))
    points = LINKS if len(shared) == fewest else SOME_LINKS
    first = min(shared)
    return Part("Links", points, LINKS, f"{len(shared)} of {fewest} the same, among them {first}")


def _wording(one: Subject, other: Subject) -> Part:
    alike = likeness(one.signature, other.signature)
    if alike < LEAST_WORDING:
        return Part("Wording", 0, WORDING, "different")
    return Part("Wording", round(WORDING * alike), WORDING, f"about {alike:.0%} of the three-word runs are the same")


def _model(one: Subject, other: Subject, relatives: frozenset[int]) -> Part:
    mine, theirs = {model for model, _, _ in one.models}, {model for model, _, _ in other.models}
    exact = {place for place in one.models & other.models if place[1] or place[2]}
    if exact:
        return Part("Model", MODEL, MODEL, "the same revision or file")
    if mine & theirs:
        return Part("Model", SAME_REPOSITORY, MODEL, "the same repository")
    if one.names & other.names:
        return Part("Model", SAME_NAME, MODEL, "the same name, on no hub")
    if theirs & relatives:
        return Part("Model", SAME_FAMILY, MODEL, "a direct base or derivative")
    return Part("Model", 0, MODEL, "different")


# --- Fingerprints ----------------------------------------------------------------------------------------------------
def remember_report(report: Report) -> None:
    """Keeps what finds the report again. Call it once, where the report is stored: its words never change."""
    Fingerprint.objects.create(report=report, **_found_by(report.links, f"{report.title}\n{report.text}"))


def remember_incident(incident: Incident, record: Record) -> None:
    """Keeps what finds the public record again. Call it where the record is published."""
    links = [source.url for source in record.references]
    values = _found_by(links, f"{record.title}\n{record.summary}\n{record.description}")
    Fingerprint.objects.update_or_create(incident=incident, defaults=values)


def _found_by(links: Iterable[str], text: str) -> dict[str, Any]:
    signed = signature(text)
    return {"links": telling_links(links), "signature": signed, "bands": bands(signed)}


def telling_links(links: Iterable[str]) -> list[str]:
    """Links normalised, without those to a model's own page: that the model is the same is counted apart."""
    return sorted({normalised_url(link) for link in links if not _names_a_model(link)})


def _names_a_model(link: str) -> bool:
    try:
        reference = read(link)
    except UnreadableReferenceError:
        return False
    page = hubs()[reference.hub].url(Reference(reference.hub, reference.name))
    return normalised_url(page) == normalised_url(link)


# --- Candidates ------------------------------------------------------------------------------------------------------
def of_report(report: Report, by: User | None = None) -> list[Duplicate]:
    """What was probably reported before this report, likeliest first; as far as `by` may see, where given."""
    return _likely([report], list(report.cases.values_list("pk", flat=True)), by)


def of_case(case: Case, by: User | None = None) -> list[Duplicate]:
    """What is probably about the same event as the case, likeliest first; as far as `by` may see, where given."""
    return _likely(list(case.reports.order_by("pk")[:MOST_SHOWN]), [case.pk], by)


def subjects_of(reports: Sequence[Report]) -> list[Subject]:
    """What is compared of these reports."""
    pks = [report.pk for report in reports]
    prints = {row.report_id: row for row in Fingerprint.objects.filter(report__in=pks)}
    named = _named(NamedModel.objects.filter(report__in=pks).values_list("report", *_NAMED_BY, "asked"))
    blank = Subject()
    return [
        replace(named.get(pk, blank), links=frozenset(row.links), signature=tuple(row.signature))
        if (row := prints.get(pk))
        else named.get(pk, blank)
        for pk in pks
    ]


def _likely(reports: Sequence[Report], cases: Sequence[int], by: User | None) -> list[Duplicate]:
    mine = subjects_of(reports)
    models = {model for subject in mine for model, _, _ in subject.models}
    relatives = _relatives(models)
    theirs = _nearby(mine, models)
    own = {("report", report.pk) for report in reports}
    best: dict[tuple[str, int], tuple[Part, ...]] = {}
    for key, subject in theirs.items():
        if key not in own:
            parts = max((score(one, subject, relatives) for one in mine), key=_points)
            if _points(parts) >= LEAST_POINTS:
                best[key] = parts
    return _shown(best, cases, by)


def _points(parts: Iterable[Part]) -> int:
    return sum(part.points for part in parts)


def _relatives(models: set[int]) -> frozenset[int]:
    """Models one step up or down; of the derivatives of a base with thousands, some."""
    standing = Lineage.objects.filter(ended_at=None)
    above = standing.filter(child__in=models).values_list("base__model", flat=True)
    below = standing.filter(base__model__in=models).values_list("child", flat=True)
    return frozenset({*above[:MOST_OF_A_KIND], *below[:MOST_OF_A_KIND]} - models)


def _nearby(mine: Sequence[Subject], models: set[int]) -> dict[tuple[str, int], Subject]:
    """Reports and public records that share a link, wording or a model with any of `mine`, as subjects."""
    wanted: dict[str, Any] = {
        "links": sorted({link for subject in mine for link in subject.links}),
        "models": sorted(models),
        "most": MOST_OF_A_KIND,
        **_wanted_bands(mine),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # PostgreSQL takes the bands of a text for independent of each other: of one that thousands of reports share it
        # expects nearly every row to match, and would read the whole table.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_NEAR, wanted)
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")
    named = {
        "report": _named(
            NamedModel.objects.filter(report__in=[row[0] for row in rows if row[0]]).values_list(
                "report", *_NAMED_BY, "asked"
            )
        ),
        "incident": _affected([row[1] for row in rows if row[1]]),
    }
    found: dict[tuple[str, int], Subject] = {}
    for report, incident, links, signed in rows:
        kind, pk = ("report", report) if report else ("incident", incident)
        standing = named[kind].get(pk, Subject())
        found[kind, pk] = replace(standing, links=frozenset(links), signature=tuple(signed))
    return found


def _wanted_bands(mine: Sequence[Subject]) -> dict[str, list[int]]:
    """The bands of all, and those of each place."""
    signed = [bands(subject.signature) for subject in mine if subject.signature]
    places = {f"band_{place}": sorted({keys[place] for keys in signed}) for place in range(BINS // ROWS)}
    return {"bands": sorted({key for keys in signed for key in keys}), **places}


_NAMED_BY = ("alias__model", "revision", "file")


def _named(rows: Iterable[tuple[int, int | None, str, str, str]]) -> dict[int, Subject]:
    """(owner, model or None, revision, file, name) as subjects by owner."""
    found: dict[int, Subject] = {}
    for owner, model, revision, file, name in rows:
        standing = found.get(owner, Subject())
        if model is None:
            found[owner] = replace(standing, names=standing.names | {name.casefold()})
        else:
            found[owner] = replace(standing, models=standing.models | {(model, revision, file)})
    return found


def _affected(incidents: Sequence[int]) -> dict[int, Subject]:
    """The models of public records: by the cases behind them, else by the names they use."""
    rows = CaseModel.objects.filter(case__incident__in=incidents)
    found = _named(rows.values_list("case__incident", *_NAMED_BY, "name"))
    others = Affected.objects.filter(incident__in=[pk for pk in incidents if pk not in found])
    with_names = ((row.incident_id, None, "", "", row.name) for row in others)
    return {**_named(with_names), **found}


def _shown(best: dict[tuple[str, int], tuple[Part, ...]], own_cases: Sequence[int], by: User | None) -> list[Duplicate]:
    """One entry for each event: what is in a case stands for the case. The case's own are left out."""
    order = sorted(best, key=lambda key: (-_points(best[key]), key))[: MOST_SHOWN * 5]
    seen = visible_reports(Report.objects.all(), by) if by else Report.objects.all()
    reports = seen.defer("text").in_bulk([pk for kind, pk in order if kind == "report"])
    # What was merged into another is shown as that.
    standing = Incident.objects.filter(superseded_by="").defer("document")
    incidents = standing.in_bulk([pk for kind, pk in order if kind == "incident"])
    through = Case.reports.through.objects.filter(report_id__in=reports).order_by("pk")
    through = through.exclude(case__state__in=(CaseState.MERGED, CaseState.CLOSED))
    case_of = dict(through.values_list("report_id", "case_id"))
    public = dict(Case.objects.filter(incident__in=incidents).values_list("incident_id", "pk"))
    cases = Case.objects.select_related("incident").defer("incident__document")
    known = cases.in_bulk({*case_of.values(), *public.values()})
    found: dict[tuple[str, int], Duplicate] = {}
    for kind, pk in order:
        if pk not in (reports if kind == "report" else incidents):
            continue
        case = known.get((case_of if kind == "report" else public).get(pk, 0))
        if case and case.pk in own_cases:
            continue
        event = ("case", case.pk) if case else (kind, pk)
        found.setdefault(
            event,
            Duplicate(
                best[kind, pk],
                report=reports.get(pk) if kind == "report" else None,
                case=case,
                incident=incidents.get(pk) if kind == "incident" else case.incident if case else None,
            ),
        )
    return list(found.values())[:MOST_SHOWN]
