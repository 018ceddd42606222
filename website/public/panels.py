"""A question to the statistics as a panel: a chart, the same numbers as a table, as CSV, and the exact query."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from catalogue.openness import Dimension as Openness
from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status
from incidents.statistics import PERIODS, Cell, Counts, Query
from website.public.bars import Bars, Count, Strip, lying, strips, upright
from website.public.facets import label_of
from website.templatetags.record import answer_words, question

MOST_BARS, MOST_STRIPS, MOST_PERIODS = 15, 12, 40
TITLES: Mapping[str, object] = {
    "category": gettext_lazy("category"),
    "kind": gettext_lazy("kind"),
    "severity": gettext_lazy("severity"),
    "evidence_grade": gettext_lazy("evidence"),
    "confidence": gettext_lazy("confidence"),
    "status": gettext_lazy("status"),
    "hub": gettext_lazy("hub"),
    "organisation": gettext_lazy("organisation"),
    "licence": gettext_lazy("licence"),
    "origin": gettext_lazy("node that published"),
    "occurred_year": gettext_lazy("year it occurred"),
    "occurred_quarter": gettext_lazy("quarter it occurred"),
    "occurred_month": gettext_lazy("month it occurred"),
    "published_year": gettext_lazy("year of publication"),
    "published_quarter": gettext_lazy("quarter of publication"),
    "published_month": gettext_lazy("month of publication"),
}
_RANKED: Mapping[str, Sequence[str]] = {
    "kind": list(Kind),
    "severity": list(Severity)[::-1],
    "evidence_grade": list(EvidenceGrade)[::-1],
    "confidence": list(Confidence)[::-1],
    "status": list(Status),
}
# A filter of the list that finds what a value of a dimension counts.
_FOUND_BY = frozenset({"category", "kind", "severity", "evidence_grade", "confidence", "status", "hub", "origin"})


@dataclass(frozen=True)
class Panel:
    """A chart and its twins. One of `bars` (lying or `over_time`) or `strips` is drawn; `query` is the API's.

    `not_drawn` is how many values have no strip and stand in the table alone.
    """

    slug: str
    title: str
    bars: Bars | None
    over_time: Bars | None
    strips: Sequence[Strip]
    not_drawn: int
    header: Sequence[str]
    rows: Sequence[Sequence[str | int]]
    events: int
    records: int
    log_number: int
    left_out: int
    view: str
    query: str
    csv: str


def panel(slug: str, query: Query, counts: Counts, *, most_strips: int = MOST_STRIPS) -> Panel:
    """The panel of an answer. Two dimensions are drawn as small charts if one of them is a period."""
    period = next((name for name in query.by if name in PERIODS), "")
    others = [name for name in query.by if name not in PERIODS]
    rows: list[list[str | int]] = [
        [*map(value_label, query.by, cell.values), cell.events, cell.records] for cell in counts.cells
    ]
    small = strips(_strips(query, others[0], period, counts.cells)) if period and len(others) == 1 else ()
    api = settings.BASE_URL + reverse("api:statistics") + "?" + urlencode(_arguments(query))
    return Panel(
        slug=slug,
        title=title_of(query),
        bars=lying(_values(others[0], counts.cells, MOST_BARS)) if query.by == tuple(others[:1]) else None,
        over_time=upright(_over_time(period, counts.cells)) if query.by == (period,) else None,
        strips=small[:most_strips],
        not_drawn=max(len(small) - most_strips, 0),
        header=[str(title_of_dimension(name)) for name in query.by],
        rows=rows,
        events=counts.events,
        records=counts.records,
        log_number=counts.log_number,
        left_out=sum(counts.omitted.values()),
        view=reverse("website:statistics") + "?" + urlencode(_arguments(query)),
        query=api,
        csv=reverse("files:statistics") + "?" + urlencode(_arguments(query)),
    )


def title_of(query: Query) -> str:
    """What is counted, in words."""
    by = [str(title_of_dimension(name)) for name in query.by]
    what = gettext("Incidents") if query.filters.get("kind") == Kind.INCIDENT else gettext("Records")
    return gettext("%(what)s by %(by)s") % {"what": what, "by": gettext(" and ").join(by)} if by else what


def title_of_dimension(name: str) -> object:
    """A dimension in words."""
    if name.startswith("openness."):
        return question(Openness(name.removeprefix("openness.")))
    return TITLES[name]


def value_label(name: str, value: str | None) -> str:
    """A value of a dimension in words."""
    if value is None:
        return gettext("not known")
    if name.startswith("openness."):
        return answer_words(value, name.removeprefix("openness."))
    return label_of(name, value)


def _arguments(query: Query) -> dict[str, str]:
    given = {"by": ",".join(query.by), **query.filters}
    # What the query says of itself anyway stays out of its address.
    if given.get("kind") == ("any" if "kind" in query.by else Kind.INCIDENT):
        del given["kind"]
    if "status" in query.by and given.get("status") == "any":
        del given["status"]
    return {name: value for name, value in given.items() if value}


def _values(name: str, cells: Sequence[Cell], most: int) -> list[Count]:
    """The values of one dimension, ranks in their order, all else by how many, what is not known last."""
    found = [(cell.values[0], cell.events) for cell in cells]
    ranks = list(_RANKED.get(name, ()))

    def place(one: tuple[str | None, int]) -> tuple[bool, int, str]:
        value, events = one
        return value is None, ranks.index(value) if value in ranks else -events, value or ""

    shown = sorted(found, key=place)[:most]
    return [Count(value_label(name, value), events, _list_address(name, value)) for value, events in shown]


def _over_time(name: str, cells: Sequence[Cell]) -> list[Count]:
    """The periods in their order, those without any between them too; what is not known is in the table alone."""
    found = {cell.values[0]: cell.events for cell in cells if cell.values[0]}
    return [Count(period, found.get(period, 0), "") for period in _periods(name, list(found))]


def _periods(name: str, known: Sequence[str]) -> list[str]:
    """Every period from the first to the last, at most so many of the latest."""
    if not known:
        return []
    first, last = min(known), max(known)
    if name.endswith("_year"):
        each = [f"{year:04}" for year in range(int(first), int(last) + 1)]
    else:
        parts, mark = (4, "-Q") if name.endswith("_quarter") else (12, "-")
        width = 1 if parts == 4 else 2  # noqa: PLR2004 - quarters
        start, end = (int(text[:4]) * parts + int(text[5:].lstrip("Q")) - 1 for text in (first, last))
        each = [f"{at // parts:04}{mark}{at % parts + 1:0{width}}" for at in range(start, end + 1)]
    return each[-MOST_PERIODS:]


def _strips(query: Query, name: str, period: str, cells: Sequence[Cell]) -> list[tuple[Count, list[Count]]]:
    """A small chart for each value, the most frequent first."""
    at, other = query.by.index(period), query.by.index(name)
    found: dict[str | None, dict[str, int]] = defaultdict(dict)
    totals: dict[str | None, int] = defaultdict(int)
    for cell in cells:
        moment, value = cell.values[at], cell.values[other]
        totals[value] += cell.events
        if moment:
            found[value][moment] = cell.events
    periods = _periods(period, [moment for moments in found.values() for moment in moments])
    shown = sorted(totals, key=lambda value: (value is None, -totals[value], value or ""))
    return [
        (
            Count(value_label(name, value), totals[value], _list_address(name, value)),
            [Count(moment, found[value].get(moment, 0)) for moment in periods],
        )
        for value in shown
    ]


def _list_address(name: str, value: str | None) -> str:
    """The list of what a bar counts; "" where no filter finds exactly that."""
    if value is None or name not in _FOUND_BY:
        return ""
    return reverse("website:incidents") + "?" + urlencode({name: value})
