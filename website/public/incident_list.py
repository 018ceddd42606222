"""Browsing: the records as a list, with what is searched, chosen, ordered and shown all in the address."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from incidents import listing
from incidents.filters import FILTERS, MORE_FILTERS
from incidents.listing import Sort
from lib.cursors import BadCursorError
from website.public import answers, citing, list_views, permalinks
from website.public.answers import SECONDS_KEPT
from website.public.facets import TITLES, faceted, label_of
from website.public.list_views import DENSITIES, ORDERS, View, address, lists
from website.public.permalinks import BadCodeError

PER_PAGE = 20
SORTS = {
    Sort.PUBLISHED: gettext_lazy("First published"),
    Sort.MODIFIED: gettext_lazy("Last changed"),
    Sort.OCCURRED: gettext_lazy("Occurred"),
    Sort.SEVERITY: gettext_lazy("Severity"),
    Sort.RELEVANCE: gettext_lazy("Relevance"),
}
_DENSITY_TITLES = {
    "full": gettext_lazy("Full"),
    "compact": gettext_lazy("Compact"),
    "table": gettext_lazy("Table"),
}
_ORDER_TITLES = {"desc": gettext_lazy("greatest or newest first"), "asc": gettext_lazy("least or oldest first")}
_CHIPS = {
    "q": gettext_lazy("words"),
    "severity_min": gettext_lazy("severity at least"),
    "alias": gettext_lazy("other id"),
    "published_from": gettext_lazy("published from"),
    "published_to": gettext_lazy("published until"),
    "modified_from": gettext_lazy("changed from"),
    "modified_to": gettext_lazy("changed until"),
    "occurred_from": gettext_lazy("occurred from"),
    "occurred_to": gettext_lazy("occurred until"),
}


@require_safe
def permalink(_request: HttpRequest, code: str) -> HttpResponseBase:
    """Leads to the view that a short address is of, as the log stood when it was given out."""
    try:
        pairs = permalinks.read(code)
    except BadCodeError as error:
        raise Http404 from error
    moved = redirect(reverse("website:incidents") + answers.query(pairs), permanent=True)
    patch_cache_control(moved, public=True, max_age=SECONDS_KEPT)
    return moved


@require_safe
def incident_list(request: HttpRequest) -> HttpResponseBase:
    """A page of the records that an address chooses; without arguments all in force, newest first."""
    try:
        view = list_views.read(request)
        page = listing.find(view.wanted, number=view.number, order=view.order, after=view.cursor, limit=PER_PAGE)
    except list_views.BadViewError as error:
        return answers.bad_request(request, str(error))
    except BadCursorError:
        return answers.broken_link(request)
    if moved := answers.moved_to(request, view.pairs):
        return moved
    return answers.public_page(request, "website/incidents.html", _context(view, page))


def _context(view: View, page: listing.Page) -> dict[str, Any]:
    given, counts = view.given, faceted(view)
    return {
        "documents": [json.loads(document) for document in page.documents],
        "view": view,
        "words": next(iter(given.get("q", ())), ""),
        "active": _chips(view),
        "next_url": address(view.pairs, cursor=page.next) if page.next else "",
        "first_url": address(view.pairs) if view.cursor else "",
        "total": counts.total,
        "is_estimate": counts.is_estimate,
        "facets": counts.facets,
        "years": counts.years,
        "kept": [pair for pair in view.pairs if pair[0] not in {*TITLES, "q", "sort", "order", "density", "cursor"}],
        "sorts": [(sort.value, title) for sort, title in SORTS.items() if sort is not Sort.RELEVANCE or view.wanted.q],
        "orders": [(order, _ORDER_TITLES[order]) for order in ORDERS],
        "densities": [(name, _DENSITY_TITLES[name], address(view.pairs, density=name)) for name in DENSITIES],
        "api_query": _query(view, "density", "cursor"),
        "page_query": _query(view, "density"),
        "file_query": _query(view, "density", "cursor", "sort", "order"),
        "canonical_query": answers.query(view.pairs),
        "cited": citing.cited(view),
    }


def _query(view: View, *leaving_out: str) -> str:
    """The view's arguments without these, as the end of an address; "" where nothing is left."""
    pairs = [pair for pair in view.pairs if pair[0] not in leaving_out]
    return answers.query(pairs) if pairs else ""


def _chips(view: View) -> list[tuple[object, str, str]]:
    """The filters in use: the filter and the value in words, and the address without it."""
    found = lists(view.pairs)
    return [
        (
            TITLES.get(name) or _CHIPS.get(name, name),
            label_of(name, value),
            address(view.pairs, **{name: [other for other in found[name] if other != value]}),
        )
        for name, value in view.pairs
        if name in FILTERS or name in MORE_FILTERS
    ]
