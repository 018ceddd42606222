"""Fresh proof of who presses before something becomes public or is taken back: asked for, then the page as it was left.

What was typed is kept in the session meanwhile and stands on the page again, which says what to press. Nothing happens
by itself: whoever comes back reads the page once more.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import second_factor

_KEPT = "press_again"
MOST_KEPT = 2000


def asked_for(request: HttpRequest, *, page: str, press: str, **typed: str) -> HttpResponse | None:
    """The way to the proof and back to `page`, which then says to press `press`; None where the proof is fresh."""
    if not second_factor.needs_fresh_factor(request):
        return None
    kept = {name: text[:MOST_KEPT] for name, text in typed.items()}
    request.session[_KEPT] = {"page": page, "press": press, "typed": kept}
    return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: page})}")


def press_again(request: HttpRequest) -> dict[str, Any]:
    """What the page shows once, after the proof: `{"press_again": {"press", "typed"}}`, or nothing."""
    kept = request.session.get(_KEPT)
    if request.method != "GET" or not kept or kept["page"] != request.path:
        return {}
    del request.session[_KEPT]
    return {} if second_factor.needs_fresh_factor(request) else {_KEPT: kept}
