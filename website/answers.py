"""How public pages are answered: cacheable by anybody, or refused in plain words."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control

from lib.canonical import digest

SECONDS_KEPT = 60


def public_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    """The page; 304 where the caller has it. The tag is of the page itself: a new template is a new page too."""
    return revalidated(request, render(request, template, context), seconds=SECONDS_KEPT)


def revalidated(request: HttpRequest, response: HttpResponse, *, seconds: int) -> HttpResponseBase:
    """The response, to be kept for so long and then asked about by its tag; 304 where the caller has it."""
    patch_cache_control(response, public=True, max_age=seconds)
    response["ETag"] = tag = f'W/"{digest(response.content)[:32]}"'
    return get_conditional_response(request, etag=tag, response=response) or response


def bad_request(request: HttpRequest, text: str) -> HttpResponse:
    """A 400 page that says what is wrong with the address."""
    return render(request, "website/400.html", {"text": text}, status=HTTPStatus.BAD_REQUEST)
