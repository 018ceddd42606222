"""Statistics: what was recorded, counted as a reader chooses; every chart with its table, CSV and query."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from incidents import exposure
from incidents import statistics as counting
from incidents.record import EvidenceGrade, Kind, Severity
from incidents.statistics import DIMENSIONS, PERIODS, BadQueryError, TooMuchWorkError
from incidents.taxonomy import OWN, taxonomies
from lib.tables import csv_bytes
from website.public import answers
from website.public.panels import Panel, panel, title_of_dimension

_OVERVIEW: Mapping[str, Sequence[str]] = {
    "years": ("occurred_year",),
    "published": ("published_month",),
    "categories": ("category", "occurred_year"),
    "category": ("category",),
    "severity": ("severity",),
    "evidence": ("evidence_grade",),
    "kinds": ("kind",),
    "organisations": ("organisation",),
}
_GROUP_TITLES = {
    "family": gettext_lazy("family"),
    "organisation": gettext_lazy("organisation"),
    "model": gettext_lazy("model"),
}
_FILTERS = tuple(counting.FILTERS)
_NAMES = ("by", "over", *_FILTERS, "rates")
_VALUES = 50


@require_safe
def statistics(request: HttpRequest) -> HttpResponseBase:
    """An overview, or the one chart that the arguments ask for: `by` a dimension, `over` a period, and filters."""
    pairs = _pairs(request)
    given = dict(pairs)
    rates = given.pop("rates", "family")
    if rates not in exposure.GROUPS:
        text = gettext("%(name)s is one of %(values)s.") % {"name": "rates", "values": ", ".join(exposure.GROUPS)}
        return answers.bad_request(request, text)
    try:
        panels = _panels(given)
    except BadQueryError as error:
        return answers.bad_request(request, f"{capfirst(str(error))}.")
    except TooMuchWorkError:
        return answers.too_much(request)
    if moved := answers.moved_to(request, pairs):
        return moved
    return answers.public_page(request, "website/statistics.html", {"panels": panels, **_context(given, rates)})


@require_safe
def as_csv(request: HttpRequest) -> HttpResponseBase:
    """The one chart that the same arguments ask for, as rows; each says which entry of the log it was counted at."""
    pairs = [pair for pair in _pairs(request) if pair[0] != "rates"]
    by, filters = _asked(dict(pairs))
    try:
        query = counting.query_of(by, filters, values=_VALUES)
        counts = counting.count(query)
    except BadQueryError as error:
        return answers.bad_request(request, f"{capfirst(str(error))}.")
    except TooMuchWorkError:
        return answers.too_much(request)
    if moved := answers.moved_to(request, pairs):
        return moved
    rows = [[*cell.values, cell.events, cell.records, counts.log_number] for cell in counts.cells]
    content = csv_bytes([*query.by, "events", "records", "log_number"], rows)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8; header=present")
    return answers.for_everyone(answers.cached(request, response))


def overview(slugs: Sequence[str]) -> list[Panel]:
    """These panels of the overview. Raises TooMuchWorkError."""
    return [_panel(slug, _OVERVIEW[slug], {}) for slug in slugs]


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The arguments that mean something; a period asked for by `by` alone is one."""
    found = [(name, answers.single(request, name)) for name in _NAMES]
    return [(name, value) for name, value in found if value and (name, value) != ("rates", "family")]


def _panels(given: Mapping[str, str]) -> list[Panel]:
    if not given:
        return overview(list(_OVERVIEW))
    return [_panel("chosen", *_asked(given))]


def _asked(given: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What is counted by, and the filters; filters alone are counted over the years."""
    filters = {name: value for name, value in given.items() if name in _FILTERS}
    by = [name for text in (given.get("by", ""), given.get("over", "")) for name in text.split(",") if name]
    return by or ["occurred_year"], filters


def _panel(slug: str, by: Sequence[str], filters: Mapping[str, str]) -> Panel:
    query = counting.query_of(by, filters, values=_VALUES)
    return panel(slug, query, counting.count(query))


def _context(given: Mapping[str, str], rates: str) -> dict[str, Any]:
    by, _, over = given.get("by", "").partition(",")
    months = exposure.window(timezone.now().date())
    return {
        "given": {**given, "by": by, "over": given.get("over", over)},
        "is_overview": not given,
        "dimensions": [(name, title_of_dimension(name)) for name in DIMENSIONS if name not in PERIODS],
        "periods": [(name, title_of_dimension(name)) for name in DIMENSIONS if name in PERIODS],
        "tree": taxonomies()[OWN].tree(),
        "kinds": [*Kind, counting.ANY],
        "severities": list(Severity)[::-1],
        "evidence_grades": list(EvidenceGrade)[::-1],
        "rates": exposure.rates(rates) if not given else [],
        "rates_by": rates,
        "groups": [(group, _GROUP_TITLES[group]) for group in exposure.GROUPS],
        "months": [f"{month // 100}-{month % 100:02}" for month in months],
        "fewest": exposure.FEWEST_EVENTS,
    }
