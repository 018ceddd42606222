"""What the public pages share: an answer that caches revalidate, a page for bad addresses, and one address a view."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.text import compress_string
from django.utils.translation import gettext

from incidents.purge_keys import mark
from lib.canonical import digest

Pairs = Sequence[tuple[str, str]]
SECONDS_KEPT = 60
_WORTH_PACKING = 500
_TAKES_GZIP = re.compile(r"(?i)\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")


def public_page(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponseBase:
    """The page; 304 where the caller has it. The tag is of the page itself: a new template is a new page too."""
    return cached(request, render(request, template, dict(context)))


def cached(request: HttpRequest, response: HttpResponse, *, seconds: int = SECONDS_KEPT) -> HttpResponseBase:
    """The answer with a tag of its content, to be kept for so long; 304 where the caller has it."""
    patch_cache_control(response, public=True, max_age=seconds)
    response["ETag"] = tag = f'W/"{digest(response.content)[:32]}"'
    patch_vary_headers(response, ("Accept-Encoding",))
    mark(response, request.path)
    return get_conditional_response(request, etag=tag, response=_compressed(request, response)) or response


def _compressed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same answer in gzip where the caller takes it. Nothing secret stands in a public answer (BREACH, 2013)."""
    if len(response.content) < _WORTH_PACKING or not _TAKES_GZIP.search(request.headers.get("Accept-Encoding", "")):
        return response
    response.content = compress_string(response.content)
    response["Content-Encoding"] = "gzip"
    return response


def for_everyone(response: HttpResponseBase) -> HttpResponseBase:
    """The same answer, which programs and pages from elsewhere may read as well."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def bad_request(request: HttpRequest, text: str) -> HttpResponse:
    """The page for an address that means nothing, with what is wrong in words."""
    return render(request, "website/400.html", {"text": text}, status=400)


def not_found(request: HttpRequest, _exception: Exception) -> HttpResponse:
    """The 404 page: the same for what never was and for what is not public."""
    return render(request, "website/404.html", status=404)


def broken_link(request: HttpRequest) -> HttpResponse:
    """The same, for a cursor that was made for nothing here."""
    return bad_request(request, gettext("This link to a further page is broken. Start again from the first page."))


def too_much(request: HttpRequest) -> HttpResponse:
    """The page for a count that would take too long."""
    response = render(request, "website/too_much.html", status=503)
    response["Retry-After"] = "60"
    return response


def moved_to(request: HttpRequest, pairs: Pairs) -> HttpResponse | None:
    """A redirect for ever to the one address of the view, where the one asked for is another; else None."""
    asked = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    if asked == list(pairs):
        return None
    response = HttpResponse(status=301, headers={"Location": request.path + (query(pairs) if pairs else "")})
    patch_cache_control(response, public=True, max_age=3600)
    return response


def query(pairs: Iterable[tuple[str, str]]) -> str:
    """The arguments as the end of an address: "?a=b", or "?" alone where there are none, which drops all others."""
    return "?" + urlencode(list(pairs))


def single(request: HttpRequest, name: str) -> str:
    """An argument that is given once, without the space around it; "" where it is absent."""
    return next((text for value in request.GET.getlist(name) if (text := value.strip())), "")
