"""What every read endpoint does: parse arguments strictly, answer stored bytes, and let callers revalidate cheaply."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import OperationalError, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.admission import admit
from api.errors import Problem
from incidents.purge_keys import mark

MOST_PER_PAGE = 100
# Browsers and shared caches keep an answer for a minute; a shared one may hand it out for another while it asks for a
# newer one, or for an hour while we are down (RFC 9111, RFC 5861).
CACHE_CONTROL = "public, max-age=60, s-maxage=60, stale-while-revalidate=60, stale-if-error=3600"
# Values of Accept that a view's own JSON answers.
ANYTHING = frozenset({"*/*", "application/json"})
_CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
_LONGEST_VALUE = 500


def how_many(name: str, *, default: int, most: int, text: str) -> OpenApiParameter:
    """An argument that says how many, as OpenAPI describes it."""
    return OpenApiParameter(
        name, {"type": "integer", "minimum": 1, "maximum": most, "default": default}, description=text
    )


LIMIT = how_many("limit", default=50, most=MOST_PER_PAGE, text="How many at once.")


class Indifferent(BaseContentNegotiation):
    """Leaves it to the view what a caller accepts; what else is said, problems above all, is JSON."""

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or ""

    def select_parser(self, _request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first parser, whatever the body is said to be."""
        return next(iter(parsers))


@dataclass(frozen=True)
class Answer:
    """What a plain read answers: bytes of JSON, their ETag, and the headers that no other answer of the view has."""

    content: bytes
    etag: str
    headers: Mapping[str, str]


class ReadView(APIView):
    """A view that anybody may read from any page. What a caller accepts is the view's own business.

    A plain read goes without what only other requests need: parsers, tokens, a choice of formats. Whatever needs these
    goes Django REST framework's whole way, and both ways end alike.
    """

    content_negotiation_class: type[BaseContentNegotiation] = Indifferent
    cost = 1

    @classmethod
    def plain(cls, query: str, tag: str, **named: str) -> Answer | None:  # noqa: ARG003
        """The answer to a plain GET by its query string alone; None where only the whole view knows it.

        Content is left out where the caller has `tag` and it still holds. Raises what `get` raises.
        """
        return None

    @classmethod
    def plain_headers(cls, request: HttpRequest, *, unchanged: bool) -> Mapping[str, str]:
        """What every answer of `plain` has beside its own: asked of the functions that make all other answers."""
        view: Any = cls()
        view.setup(request)
        view.headers = view.default_response_headers
        response: Any = _tagged(HttpResponse(content_type="application/json"), "")
        if unchanged:
            response = get_conditional_response(_asking_again(request), etag='""', response=response)
        found = view.finalize_response(request, response).headers.items()
        return {name: value for name, value in found if name != "ETag"}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer; problems as documents."""
        read = getattr(self, "get", None)
        if read is None or not _is_plain(request):
            return super().dispatch(request, *args, **kwargs)
        self.request, self.args, self.kwargs, self.format_kwarg = request, args, kwargs, None
        self.headers = self.default_response_headers
        try:
            admit(request, self.cost)
            response = _asked_twice(lambda: read(request, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it raises again what is no problem of the caller's
            response = self.handle_exception(error)
        self.response = self.finalize_response(request, response, *args, **kwargs)
        return self.response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        """What may be done here, for browsers that ask before a request from another page (the Fetch standard)."""
        allowed = ", ".join(self.allowed_methods)
        headers = {
            "Allow": allowed,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match",
            "Access-Control-Max-Age": "86400",
        }
        return Response(status=204, headers=headers)


def _asking_again(request: HttpRequest) -> HttpRequest:
    again = HttpRequest()
    again.method, again.META = request.method, {**request.META, "HTTP_IF_NONE_MATCH": '""'}
    return again


def _is_plain(request: HttpRequest) -> bool:
    headers = request.META
    return (
        request.method in {"GET", "HEAD"}
        and "HTTP_AUTHORIZATION" not in headers
        and headers.get("HTTP_ACCEPT", "*/*") in ANYTHING
    )


def _asked_twice(read: Callable[[], Any]) -> Any:
    """The answer; a read whose connection turns out to be dead is simply done again on a new one."""
    try:
        return read()
    except OperationalError:
        dead = [one for one in connections.all(initialized_only=True) if one.connection and one.connection.closed]
        for connection in dead:
            connection.close()
        if not dead:
            raise
        return read()


def json_bytes(
    request: HttpRequest,
    content: bytes,
    *,
    etag: str,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> HttpResponseBase:
    """`content` as the answer, or 304 where the caller's ETag still holds. Public caches may keep it for a minute."""
    response = _tagged(HttpResponse(content, content_type=content_type, headers=headers), etag)
    mark(response, request.path)
    if request.META.keys().isdisjoint(_CONDITIONS):
        return response
    return get_conditional_response(request, etag=f'"{etag}"', response=response) or response


def not_modified(request: HttpRequest, etag: str) -> HttpResponseBase | None:
    """The 304 where the caller's ETag still holds, else None: asked before the content is made, it costs nothing."""
    if "HTTP_IF_NONE_MATCH" not in request.META or "HTTP_IF_MATCH" in request.META:
        return None
    response = get_conditional_response(request, etag=f'"{etag}"', response=_tagged(HttpResponse(), etag))
    return response if response is not None and response.status_code == HTTPStatus.NOT_MODIFIED else None


def _tagged(response: HttpResponse, etag: str) -> HttpResponse:
    response.headers["ETag"] = f'"{etag}"'
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response


def arguments(request: HttpRequest, known: Collection[str], repeated: Collection[str] = ()) -> dict[str, str]:
    """The query's arguments but those that may be `repeated`. Raises Problem for one unknown, repeated or with NUL."""
    return arguments_of(request.GET, known, repeated)


def arguments_of(given: QueryDict, known: Collection[str], repeated: Collection[str] = ()) -> dict[str, str]:
    """The same of a query by itself."""
    for name, values in given.lists():
        if name in repeated:
            continue
        if name not in known:
            names = ", ".join(sorted({*known, *repeated}))
            raise Problem("unknown-argument", f"There is no argument {name!r}; there are {names}.")
        if len(values) > 1 or "\x00" in values[0] or len(values[0]) > _LONGEST_VALUE:
            raise Problem("bad-argument", f"{name} was given more than once, is too long, or holds a NUL.")
    lists = [(name, values[0].strip()) for name, values in given.lists() if name not in repeated]
    return {name: value for name, value in lists if value}


def one_of(given: Mapping[str, str], name: str, allowed: Collection[str]) -> str:
    """The argument, "" where it is absent. Raises Problem where it is none of `allowed`."""
    value = given.get(name, "")
    if value and value not in allowed:
        raise Problem("bad-argument", f"{name} is one of {', '.join(sorted(allowed))}.")
    return value


def whole_number(given: Mapping[str, str], name: str, *, default: int, most: int, least: int = 0) -> int:
    """The argument as a number from `least` to `most`. Raises Problem."""
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise Problem("bad-argument", f"{name} is a whole number from {least} to {most}.")
    return int(text)


def page_size(given: Mapping[str, str], *, most: int = MOST_PER_PAGE) -> int:
    """The argument `limit`. Raises Problem."""
    return whole_number(given, "limit", default=50, most=most, least=1)


def link_to(request: HttpRequest, given: Mapping[str, str]) -> str:
    """This endpoint's absolute URL with other arguments."""
    query = urlencode(given)
    return f"{settings.BASE_URL}{request.path}" + (f"?{query}" if query else "")
