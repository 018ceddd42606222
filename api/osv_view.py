"""What all views of OSV's service share: its errors, `{"code", "message"}` with a code of google.rpc."""

from collections.abc import Callable
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response

from api.errors import problem_of
from api.reading import ReadView

# google.rpc.Code by HTTP status; any other status is that of an invalid argument.
_CODES = {404: 5, 405: 12, 410: 5, 413: 8, 429: 8, 500: 13, 503: 14}
_INVALID_ARGUMENT = 3


class NotMadeYet(APIException):
    """A 503."""

    status_code = 503
    default_detail = "The file has not been made yet; ask again in a minute."
    wait = 60


class Erased(APIException):
    """A 410."""

    status_code = 410
    default_detail = "This record was erased."


class OsvView(ReadView):
    """A view of the service, with its errors."""

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """As its gateway answers."""
        return _rpc_error


def _rpc_error(error: Exception, _context: dict[str, Any]) -> Response | None:
    problem = problem_of(error)
    if problem is None:
        return None
    content = {"code": _CODES.get(problem.status_code, _INVALID_ARGUMENT), "message": str(problem.detail)}
    headers = {"Access-Control-Allow-Origin": "*", **problem.headers}
    return Response(content, status=problem.status_code, headers=headers)
