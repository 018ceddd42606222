"""Organisations: who publishes the models that records concern."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from catalogue.hub import hubs
from incidents import listing, log, organisations
from incidents.filters import read_filters
from incidents.organisations import Organisation
from incidents.record import Severity
from incidents.statistics import Cell, TooMuchWorkError
from lib.cursors import BadCursorError
from website.public import answers
from website.public.bars import Count, lying, upright
from website.public.panels import value_label

_PER_PAGE, _LATEST = 50, 10


@require_safe
def organisation_list(request: HttpRequest) -> HttpResponseBase:
    """Organisations by hub and name."""
    hub, cursor = answers.single(request, "hub"), answers.single(request, "cursor")
    if hub and hub not in hubs():
        return answers.bad_request(request, gettext("There is no hub of that name here."))
    try:
        page = organisations.find(hub=hub, after=cursor, limit=_PER_PAGE)
    except BadCursorError:
        return answers.broken_link(request)
    if moved := answers.moved_to(request, [pair for pair in (("hub", hub), ("cursor", cursor)) if pair[1]]):
        return moved
    following = [("hub", hub), ("cursor", page.next)]
    context = {
        "page": page,
        "hubs": list(hubs()),
        "hub": hub,
        "next_url": answers.query([pair for pair in following if pair[1]]) if page.next else "",
        "first_url": answers.query([("hub", hub)] if hub else []) if cursor else "",
    }
    return answers.public_page(request, "website/organisations.html", context)


@require_safe
def organisation(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """One organisation: its models, the records on them, and what it says of these."""
    try:
        found = organisations.organisation(hub, name)
    except TooMuchWorkError:
        return answers.too_much(request)
    if found is None:
        raise Http404
    if found.name != name:
        return redirect("website:organisation", hub=hub, name=found.name, permanent=True)
    return answers.public_page(request, "website/organisation.html", _context(found))


def _context(found: Organisation) -> dict[str, Any]:
    wanted = {"organisation": found.name, "hub": found.hub}
    page = listing.find(
        read_filters({name: [value] for name, value in wanted.items()}), number=log.head().number, limit=_LATEST
    )
    cells = found.by
    severities = {value: place for place, value in enumerate(list(Severity)[::-1])}
    by_severity = sorted(cells["severity"], key=lambda cell: severities.get(Severity(cell.values[0] or "unknown"), 0))
    charts = [
        ("category", gettext("Incidents by category"), lying(_counts("category", _most(cells["category"]))), None),
        ("severity", gettext("Incidents by severity"), lying(_counts("severity", by_severity)), None),
        ("year", gettext("Incidents by year of publication"), None, upright(_years(found))),
    ]
    return {
        "organisation": found,
        # Of every kind: those of `found` are of incidents alone.
        "records": sum(cell.records for cell in cells["kind"]),
        "charts": [(slug, title, one, other, one or other) for slug, title, one, other in charts],
        "latest": [json.loads(document) for document in page.documents],
        "list_query": "?" + urlencode({"hub": found.hub, "organisation": found.name}),
        "statistics_query": "?" + urlencode({"by": "category", "organisation": f"{found.hub}/{found.name}"}),
    }


def _most(cells: tuple[Cell, ...]) -> list[Cell]:
    return sorted(cells, key=lambda cell: -cell.events)


def _counts(name: str, cells: list[Cell]) -> list[Count]:
    return [Count(value_label(name, cell.values[0]), cell.events) for cell in cells]


def _years(found: Organisation) -> list[Count]:
    return [Count(cell.values[0] or "?", cell.events) for cell in found.by["published_year"]]
