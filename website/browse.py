"""Public pages: the documents as people read them."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from incidents import counting, listing, log
from incidents.counting import Basis
from incidents.filters import BadFilterError, Wanted, read_filters
from incidents.public_models import most_named
from incidents.record import MEANINGS, EvidenceGrade, Kind, Severity, Status
from incidents.taxonomy import OWN, taxonomies
from incidents.tokens import Dimension
from lib.keyset import BadCursorError
from website.answers import bad_request, public_page

PER_PAGE = 20
_FILTERS = ("q", "category", "kind", "severity", "evidence_grade", "status", "hub", "model")


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """What this is, what is new, and where to go."""
    head = log.head()
    by_category = counting.records_by_value(Dimension.CATEGORY)
    page = listing.find(Wanted(), number=head.number, limit=6)
    context = {
        "latest": [json.loads(document) for document in page.documents],
        "categories": [(term, by_category.get(term.code, 0)) for term, _ in _tree()],
        "total": counting.count(Wanted(), number=head.number, head=head.number).total,
        "most_named": [row for row in most_named(8) if row[2] > 1],
        "head": head,
    }
    return public_page(request, "website/home.html", context)


@require_safe
def incident_list(request: HttpRequest) -> HttpResponseBase:
    """Incidents, newest first; search and filters in the URL."""
    given = {name: request.GET.get(name, "").strip()[:200].replace("\x00", "") for name in _FILTERS}
    head = log.head().number
    try:
        wanted = read_filters({name: [value] for name, value in given.items()})
        page = listing.find(wanted, number=head, after=request.GET.get("cursor", ""), limit=PER_PAGE)
    except BadFilterError as error:
        return bad_request(request, str(error))
    except BadCursorError:
        return bad_request(request, "This link to a further page is broken. Start again from the first page.")
    counts = counting.count(wanted, number=page.number, head=head)
    context = {
        "documents": [json.loads(document) for document in page.documents],
        "given": given,
        "active": [(name, value, _address(given, **{name: ""})) for name, value in given.items() if value],
        "next_url": _address(given, cursor=page.next) if page.next else "",
        "first_url": "" if not request.GET.get("cursor") else _address(given),
        "total": counts.total,
        "is_estimate": counts.basis == Basis.SAMPLE,
        "api_query": urlencode({name: value for name, value in given.items() if value}),
        "tree": _tree(),
        "kinds": list(Kind),
        "severities": list(Severity)[::-1],
        "evidence_grades": list(EvidenceGrade)[::-1],
        "statuses": list(Status),
    }
    return public_page(request, "website/incidents.html", context)


@require_safe
def about(request: HttpRequest) -> HttpResponseBase:
    """What the record means: kinds, grades, categories."""
    meanings = {vocabulary.__name__: list(entries.items()) for vocabulary, entries in MEANINGS.items()}
    return public_page(request, "website/about.html", {"meanings": meanings, "tree": _tree()})


def not_found(request: HttpRequest, _exception: Exception) -> HttpResponse:
    """The 404 page: the same for what never was and for what is not public."""
    return render(request, "website/404.html", status=404)


def _tree() -> list[Any]:
    return taxonomies()[OWN].tree()


def _address(given: dict[str, str], **changes: str) -> str:
    """The list's query with these changes; without what is empty, so that one view has one address."""
    return "?" + urlencode({name: value for name, value in {**given, **changes}.items() if value})
