"""Records and models as cards that any page may show in a frame: no form, no script, no cookie.

These alone may be framed. What could be pressed by somebody who does not see where they are stands on no such card.
"""

import json
from collections.abc import Callable
from typing import Any

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from incidents import search
from incidents.badges import tally
from incidents.public_models import records_naming, resolve
from website.public.answers import public_page

MOST_RECORDS = 5
View = Callable[..., HttpResponseBase]
_POLICY = {
    "frame-ancestors": ["*"],
    "form-action": ["'none'"],
    "script-src": None,
    "connect-src": None,
    "worker-src": None,
}


def _framed(view: View) -> View:
    """Lets every page frame the answer."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return xframe_options_exempt(csp_replace(_POLICY)(require_safe(answer)))


def _incident(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One record as a card."""
    found = search.by_id(public_id)
    if found is None:
        raise Http404
    standing = search.in_place_of(found)
    if standing.public_id != public_id:
        return redirect("website:embed-incident", public_id=standing.public_id, permanent=False)
    return public_page(request, "website/embed_incident.html", {"record": json.loads(bytes(found.document))})


def _model(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """One model as a card: how many incidents, and the newest records."""
    found = resolve(hub, name)
    if found is None:
        raise Http404
    newest = records_naming(found).order_by("-published_at", "-pk")[:MOST_RECORDS]
    context = {
        "hub": hub,
        "name": found.name,
        "tally": tally(found),
        "records": [json.loads(bytes(incident.document)) for incident in newest],
    }
    return public_page(request, "website/embed_model.html", context)


incident = _framed(_incident)
model = _framed(_model)
