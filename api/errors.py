"""Every error of the API as `application/problem+json` (RFC 9457), with a stable `type` (`lib.problems`)."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from psycopg.errors import QueryCanceled
from pydantic import ValidationError
from rest_framework.exceptions import APIException
from rest_framework.exceptions import ValidationError as DrfValidationError
from rest_framework.response import Response

from lib.cursors import BadCursorError
from lib.problems import KINDS, PREFIX

log = structlog.get_logger()

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5
# What says something of the caller or of the moment is nobody else's, and not true for long.
_UNKEPT = frozenset({401, 403, 429, 503})


class Problem(APIException):
    """An error with a stable type: `kind` ends the type's URI reference, `fields` name what is wrong where.

    `wait` is after how many seconds to try again, `headers` what else the answer carries.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: int = 400,
        fields: Iterable[dict[str, str]] = (),
        wait: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.status_code, self.fields = kind, status, list(fields)
        self.headers = {**(headers or {}), **({"Retry-After": str(wait)} if wait else {})}


def invalid_submission(error: ValidationError) -> Problem:
    """A 422 that names each field and what is wrong with it."""
    return invalid(error, "The report was not stored; the fields say why.", kind="invalid-submission")


def invalid(error: ValidationError, detail: str, *, kind: str = "invalid-question") -> Problem:
    """A 422 with each field and what is wrong with it."""
    fields = [{"field": ".".join(map(str, e["loc"])) or "(body)", "message": e["msg"]} for e in error.errors()]
    return Problem(kind, detail, status=422, fields=fields)


def body(kind: str, status: int, detail: str, fields: Iterable[dict[str, str]] = ()) -> dict[str, Any]:
    """The members of a problem document."""
    problem: dict[str, Any] = {
        "type": f"{PREFIX}{kind}",
        "title": KINDS[kind].title if kind in KINDS else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**problem, "errors": list(fields)} if fields else problem


def problem_handler(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler: whatever it knows becomes a problem document."""
    problem = problem_of(error)
    if problem is None:
        return None
    content = body(problem.kind, problem.status_code, str(problem.detail), problem.fields)
    headers = {"Access-Control-Allow-Origin": "*", **problem.headers}
    if problem.status_code in _UNKEPT:
        headers["Cache-Control"] = "no-store"
    return Response(content, status=problem.status_code, headers=headers, content_type=CONTENT_TYPE)


def response_to(error: Exception) -> HttpResponse | None:
    """The same for whoever is outside of the framework's views; None for what nobody foresaw."""
    problem = problem_of(error)
    return _plain(problem) if problem else None


def problem_of(error: Exception) -> Problem | None:
    """What an error is to the caller; None if nobody foresaw it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, APIException):
        return _of_framework(error)
    if isinstance(error, OperationalError | InterfaceError):
        return _of_database(error)
    if isinstance(error, BadCursorError):
        return Problem("bad-cursor", f"{error}.".capitalize())
    for kinds, kind, status, detail in _KNOWN:
        if isinstance(error, kinds):
            return Problem(kind, detail, status=status)
    return None


_KNOWN: tuple[tuple[tuple[type[Exception], ...], str, int, str], ...] = (
    ((Http404,), "not-found", 404, "There is nothing public here."),
    ((PermissionDenied,), "forbidden", 403, "This is not yours to do."),
    (
        (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent),
        "too-large",
        413,
        "The body is larger than this node accepts.",
    ),
    ((UnreadablePostError,), "malformed", 400, "The connection ended before the body did."),
)


def _of_framework(error: APIException) -> Problem:
    detail = "The request is malformed." if isinstance(error, DrfValidationError) else str(error.detail)
    wait = getattr(error, "wait", None)  # of Throttled
    return Problem(error.default_code.replace("_", "-"), detail, status=error.status_code, wait=int(wait or 0))


def _of_database(error: Exception) -> Problem:
    """The database gave up within its `statement_timeout`, or is away: both pass."""
    busy = isinstance(error.__cause__, QueryCanceled)
    kind, detail = ("busy", "The question took too long.") if busy else ("unavailable", "The database is away.")
    log.warning("database refused", kind=kind, error=type(error.__cause__).__name__)
    return Problem(kind, detail, status=503, wait=RETRY_SECONDS)


def _plain(problem: Problem) -> HttpResponse:
    content = body(problem.kind, problem.status_code, str(problem.detail), problem.fields)
    response = JsonResponse(content, status=problem.status_code, content_type=CONTENT_TYPE, headers=problem.headers)
    response["Access-Control-Allow-Origin"] = "*"
    if problem.status_code in _UNKEPT:
        response["Cache-Control"] = "no-store"
    return response


def unexpected(_request: HttpRequest) -> HttpResponse:
    """A 500 as a problem document."""
    return _plain(Problem("internal", "This is our fault; it has been logged.", status=500))


def malformed(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 400 or 413 for what never reached a view: a Host we do not answer to, a body beyond the limit."""
    return response_to(exception) or _plain(Problem("malformed", "The request is malformed."))


def unknown_path(_request: HttpRequest, **_path: str) -> HttpResponse:
    """A 404 for paths under /api/ that lead nowhere."""
    return _plain(Problem("not-found", "There is nothing public here.", status=404))
