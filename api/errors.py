"""Every error of the API as `application/problem+json` (RFC 9457), with a stable `type`."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from pydantic import ValidationError
from rest_framework.exceptions import APIException
from rest_framework.exceptions import ValidationError as DrfValidationError
from rest_framework.response import Response

log = structlog.get_logger()

CONTENT_TYPE = "application/problem+json"


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
        "type": f"/api/problems/{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {**problem, "errors": list(fields)} if fields else problem


def problem_handler(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler: whatever it knows becomes a problem document."""
    headers: dict[str, str] = {}
    if isinstance(error, Http404):
        content = body("not-found", 404, "There is nothing public here.")
    elif isinstance(error, PermissionDenied):
        content = body("forbidden", 403, "This is not yours to do.")
    elif isinstance(error, Problem):
        content = body(error.kind, error.status_code, str(error.detail), error.fields)
        headers = dict(error.headers)
    elif isinstance(error, APIException):
        detail = "The request is malformed." if isinstance(error, DrfValidationError) else str(error.detail)
        content = body(error.default_code.replace("_", "-"), error.status_code, detail)
        wait = getattr(error, "wait", None)
        headers = {"Retry-After": str(int(wait))} if wait else {}
    else:
        return None
    headers["Access-Control-Allow-Origin"] = "*"
    return Response(content, status=content["status"], headers=headers, content_type=CONTENT_TYPE)


def unexpected(_request: HttpRequest) -> HttpResponse:
    """A 500 as a problem document."""
    return JsonResponse(
        body("internal", 500, "This is our fault; it has been logged."), status=500, content_type=CONTENT_TYPE
    )


def malformed(_request: HttpRequest, _exception: Exception) -> HttpResponse:
    """A 400 for what never reached a view: a Host we do not answer to, a body beyond the limit."""
    return JsonResponse(body("malformed", 400, "The request is malformed."), status=400, content_type=CONTENT_TYPE)


def unknown_path(_request: HttpRequest, **_path: str) -> HttpResponse:
    """A 404 for paths under /api/ that lead nowhere."""
    return JsonResponse(body("not-found", 404, "There is nothing public here."), status=404, content_type=CONTENT_TYPE)
