"""The short path: reads of stored bytes, past the middlewares that only pages and accounts need.

It calls the very views that the URLs lead to, and answers with the same headers: what middlewares add to every answer
alike is asked of these middlewares, once. Whatever is not plain goes the whole way: another method or address, a Host
that is not ours, a redirect to https.

The plainest of these reads, a GET that brings no conditions but an ETag, go without a request and a response of
Django's: the view's `plain` answers from the query string, and what its answers have in common was asked of the view,
once. What it does not answer, and every problem, is left to the view as it is.
"""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import ResponseHeaders
from django.urls import resolve, reverse
from django.utils.log import log_response
from django.utils.module_loading import import_string

from api.admission import admit_plain
from api.reading import ANYTHING
from incidents.record import is_public_id
from lib.reading import by_the_public

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
View = Callable[..., HttpResponse]
Answer = Callable[[HttpRequest], HttpResponse]
Headers = list[tuple[str, str]]

LONGEST_QUERY = 2000
_MOST_HOSTS = 100
# Headers whose meaning only the whole view knows.
_CONDITIONS = ("HTTP_AUTHORIZATION", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")
# What `is_secure` and `get_host` of a request look at.
_ORIGIN = (
    "wsgi.url_scheme",
    *([settings.SECURE_PROXY_SSL_HEADER[0]] if settings.SECURE_PROXY_SSL_HEADER else []),
    "HTTP_HOST",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
)
_LISTS = ("api:incidents", "api:changes")
_ONE = "api:incident"
_SOME_ID = "FL-2000-00000000"


class ShortPath:
    """A WSGI application in front of another, the whole one."""

    def __init__(self, whole: Application) -> None:
        self._whole = whole
        self._views: dict[str, View] = {reverse(name): resolve(reverse(name)).func for name in _LISTS}
        one = reverse(_ONE, args=[_SOME_ID])
        self._folder, self._record = one.removesuffix(_SOME_ID), resolve(one).func
        self._answer = _within(settings.MIDDLEWARE_OF_READS, _answer)
        self._constants: dict[bool, Iterable[tuple[str, str]]] = {}
        self._alike: dict[tuple[Any, bool, bool], list[tuple[str, str]]] = {}
        self._origins: dict[tuple[str, ...], bool | None] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers, or hands over to the whole application."""
        if not (found := self._view(environ)):
            return self._whole(environ, start_response)
        if answered := self._plain(environ, *found):
            status, headers, content = answered
            start_response(status, headers)
            return [content]
        if not _is_ours(request := ReadRequest(environ)):
            return self._whole(environ, start_response)
        request.view, request.named = found
        response = self._answer(request)
        headers = [*response.items(), *self._missing(request, response)]
        if response.streaming:
            start_response(_status(response), headers)
            return response
        content = response.content
        if "Content-Length" not in response.headers:
            headers.append(("Content-Length", str(len(content))))
        start_response(_status(response), headers)
        # Not the response itself, at whose end Django would have each connection asked whether it still lives.
        return [content]

    def _view(self, environ: Environ) -> tuple[View, dict[str, str]] | None:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or environ.get("SCRIPT_NAME"):
            return None
        if len(environ.get("QUERY_STRING", "")) > LONGEST_QUERY:
            return None
        path = environ.get("PATH_INFO", "")
        if view := self._views.get(path):
            return view, {}
        public_id = path.removeprefix(self._folder)
        if public_id != path and is_public_id(public_id):
            return self._record, {"public_id": public_id}
        return None

    def _plain(self, environ: Environ, view: View, named: dict[str, str]) -> tuple[str, Headers, bytes] | None:
        """Status, headers and body of a plain GET; None where the view itself has to answer."""
        if environ["REQUEST_METHOD"] != "GET" or not environ.keys().isdisjoint(_CONDITIONS):
            return None
        if environ.get("HTTP_ACCEPT", "*/*") not in ANYTHING or (secure := self._origin(environ)) is None:
            return None
        given = environ.get("HTTP_IF_NONE_MATCH", "")
        asking: Any = view.view_class  # type: ignore[attr-defined]
        _leave_old_connections()
        try:
            standing = admit_plain(environ, asking.cost)
            with by_the_public():
                answer = asking.plain(environ.get("QUERY_STRING", ""), given.strip('"'), **named)
            # Only a tag as we write it; lists and weak ones are read by the view.
            unchanged = bool(given) and answer is not None and given == f'"{answer.etag}"'
            if answer is None or (given and not unchanged):
                return None
        except Exception:  # noqa: BLE001 - the view meets it again, and says what it means
            return None
        headers = [*self._headers(environ, view, secure=secure, unchanged=unchanged), ("ETag", f'"{answer.etag}"')]
        headers += standing.items()
        if unchanged:
            return "304 Not Modified", [*headers, ("Content-Length", "0")], b""
        headers += answer.headers.items()
        return "200 OK", [*headers, ("Content-Length", str(len(answer.content)))], answer.content

    def _headers(self, environ: Environ, view: View, *, secure: bool, unchanged: bool) -> Headers:
        """What all such answers of the view have in common."""
        known = self._alike.get((view, secure, unchanged))
        if known is None:
            request = ReadRequest(environ)
            found = view.view_class.plain_headers(request, unchanged=unchanged)  # type: ignore[attr-defined]
            response = HttpResponse(headers=found)
            response.headers = ResponseHeaders(found)
            known = [*found.items(), *self._missing(request, response)]
            self._alike[view, secure, unchanged] = known
        return known

    def _origin(self, environ: Environ) -> bool | None:
        """Whether a request that is ours came over https; None where it is not ours."""
        told = tuple(str(environ.get(name, "")) for name in _ORIGIN)
        if told not in self._origins:
            if len(self._origins) >= _MOST_HOSTS:
                self._origins.clear()
            request = ReadRequest(environ)
            self._origins[told] = request.is_secure() if _is_ours(request) else None
        return self._origins[told]

    def _missing(self, request: HttpRequest, response: HttpResponse) -> Iterable[tuple[str, str]]:
        secure = request.is_secure()
        if secure not in self._constants:
            self._constants[secure] = _within(settings.MIDDLEWARE_OF_CONSTANTS, _nothing)(request).items()
        return (header for header in self._constants[secure] if header[0] not in response.headers)


class ReadRequest(WSGIRequest):
    """A request with the view it leads to, and what its address names."""

    view: View
    named: dict[str, str]


def _within(middlewares: list[str], answer: Answer) -> Answer:
    """What answers, within these middlewares, the first of them outermost."""
    for name in reversed(middlewares):
        answer = import_string(name)(answer)
    return answer


def _nothing(_request: HttpRequest) -> HttpResponse:
    bare = HttpResponse()
    del bare.headers["Content-Type"]
    return bare


def _status(response: HttpResponse) -> str:
    return f"{response.status_code} {response.reason_phrase}"


def _is_ours(request: HttpRequest) -> bool:
    """Whether the whole application would let the request through to the view."""
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return request.is_secure() or not settings.SECURE_SSL_REDIRECT


def _answer(request: HttpRequest) -> HttpResponse:
    assert isinstance(request, ReadRequest)  # noqa: S101 - we made it
    _leave_old_connections()
    try:
        with by_the_public():
            response = request.view(request, **request.named)
            if callable(render := getattr(response, "render", None)):
                response = render()
    except Exception as error:  # noqa: BLE001 - as the whole application does with whatever a view raises
        return response_for_exception(request, error)
    if response.status_code >= 400:  # noqa: PLR2004
        log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
    return response


def _leave_old_connections() -> None:
    """Closes what is past its age, without asking any connection whether it still lives."""
    for connection in connections.all(initialized_only=True):
        if connection.close_at is not None and monotonic() >= connection.close_at:
            connection.close_if_unusable_or_obsolete()
