"""The pages that the types of problem documents lead to (RFC 9457, section 3.1.1)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from lib.problems import KINDS, Kind


@require_safe
def every_kind(request: HttpRequest) -> HttpResponse:
    """All kinds, in the order of their status."""
    return _page(request, dict(sorted(KINDS.items(), key=lambda one: (one[1].status, one[0]))))


@require_safe
def one_kind(request: HttpRequest, kind: str) -> HttpResponse:
    """What one kind means."""
    if kind not in KINDS:
        raise Http404
    return _page(request, {kind: KINDS[kind]}, only=True)


def _page(request: HttpRequest, kinds: dict[str, Kind], *, only: bool = False) -> HttpResponse:
    response = render(request, "website/problems.html", {"kinds": kinds, "only": only})
    patch_cache_control(response, public=True, max_age=300)
    return response
