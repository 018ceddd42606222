"""The start page: what this is, what is new, what is being reported, and where to go."""

import json

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from incidents import counting, exposure, listing, log
from incidents.filters import Wanted
from incidents.public_models import most_named
from incidents.statistics import TooMuchWorkError
from website.public import answers
from website.public.panels import Panel
from website.public.statistics import overview

_LATEST, _NAMED, _FAMILIES, _CATEGORIES = 9, 6, 5, 6


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """One screen for somebody who has never been here."""
    head = log.head()
    page = listing.find(Wanted(), number=head.number, limit=_LATEST)
    context = {
        "latest": [json.loads(document) for document in page.documents],
        "panel": _panel(),
        "total": counting.count(Wanted(), number=head.number, head=head.number).total,
        "rates": exposure.rates("family", limit=_FAMILIES),
        "rates_by": "family",
        "most_named": [row for row in most_named(_NAMED) if row[2] > 1],
        "own_log": log.own_head(),
    }
    return answers.public_page(request, "website/home.html", context)


def _panel() -> Panel | None:
    """What is reported over time; None where counting takes too long for a page that everybody asks for."""
    try:
        return overview(["categories"], most_strips=_CATEGORIES)[0]
    except TooMuchWorkError:
        return None
