"""The language of a page: what its path says, and nothing else, so that one address is one page for every cache.

English has no prefix; every other language of the settings has its code as the first segment: `/es/about/`. Data has
one address in all of them, without a prefix, and so have the console and accounts, which are in English.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import is_valid_path
from django.utils import translation
from django.utils.http import escape_leading_slashes


@dataclass(frozen=True)
class Edition:
    """The page in one of the languages: its code, its name in itself, and the address without the host."""

    code: str
    name: str
    address: str
    is_current: bool


def of_path(path: str) -> str:
    """The code of the language that a path asks for."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in dict(settings.LANGUAGES) and first != settings.LANGUAGE_CODE else settings.LANGUAGE_CODE


def without_prefix(path: str) -> str:
    """The path of the same page in English."""
    code = of_path(path)
    return path if code == settings.LANGUAGE_CODE else path.removeprefix(f"/{code}") or "/"


def in_language(code: str, path: str) -> str:
    """The path of the same page in that language."""
    plain = without_prefix(path)
    return plain if code == settings.LANGUAGE_CODE else f"/{code}{plain}"


def editions(request: HttpRequest) -> list[Edition]:
    """The page in every language, with the arguments of its address; none where it is in English alone."""
    found = request.resolver_match
    if found is None or found.namespaces[:1] != ["website"]:
        return []
    given = request.META.get("QUERY_STRING", "")
    current = translation.get_language()
    return [
        Edition(code, name, in_language(code, request.path) + (f"?{given}" if given else ""), code == current)
        for code, name in settings.LANGUAGES
    ]


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answers in the language of the path; what has one edition only is led to from the others."""

    def answer(request: HttpRequest) -> HttpResponse:
        code = of_path(request.path_info)
        with translation.override(code):
            response = get_response(request)
        if code != settings.LANGUAGE_CODE and response.status_code == HTTPStatus.NOT_FOUND and _is_elsewhere(request):
            return _to_the_one_edition(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if is_page and (response.streaming or response.content):
            response["Content-Language"] = code
        return response

    return answer


def _is_elsewhere(request: HttpRequest) -> bool:
    """Whether nothing has this address, and something has it without the language."""
    with translation.override(settings.LANGUAGE_CODE):
        return request.resolver_match is None and bool(is_valid_path(without_prefix(request.path_info)))


def _to_the_one_edition(request: HttpRequest) -> HttpResponse:
    given = request.META.get("QUERY_STRING", "")
    place = escape_leading_slashes(without_prefix(request.path)) + (f"?{given}" if given else "")
    return HttpResponsePermanentRedirect(place)
