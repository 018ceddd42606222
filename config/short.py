"""The short path: reads of stored bytes, past the middlewares that only pages and accounts need.

It calls the very views that the URLs lead to, and answers with the same headers: what middlewares add to every answer
alike is asked of these middlewares, once. Whatever is not plain goes the whole way: another method or address, a Host
that is not ours, a redirect to https.
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
from django.urls import resolve, reverse
from django.utils.log import log_response
from django.utils.module_loading import import_string

from incidents.record import is_public_id
from lib.reading import by_the_public

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
View = Callable[..., HttpResponse]
Answer = Callable[[HttpRequest], HttpResponse]

LONGEST_QUERY = 2000
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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers, or hands over to the whole application."""
        if not (found := self._view(environ)) or not _is_ours(request := ReadRequest(environ)):
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
