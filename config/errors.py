"""Errors in the form the caller speaks: problem documents for programs, pages for people."""

from django.http import HttpRequest, HttpResponse
from django.views.defaults import bad_request as plain_bad_request
from django.views.defaults import server_error as plain_server_error

from api import errors
from website.public import answers

# Where programs ask, and no people.
_PROGRAMS = ("/api/", "/osv/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 400."""
    return (
        errors.malformed(request, exception)
        if request.path.startswith(_PROGRAMS)
        else plain_bad_request(request, exception)
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 404."""
    return errors.unknown_path(request) if request.path.startswith(_PROGRAMS) else answers.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A 500."""
    return errors.unexpected(request) if request.path.startswith(_PROGRAMS) else plain_server_error(request, "500.html")
