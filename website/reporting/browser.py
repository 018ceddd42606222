"""What a browser holds of a draft: a cookie for the form alone."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from reports import drafts, evidence
from reports.abuse import limits
from reports.drafts import Answers
from website import guard
from website.reporting import steps

_COOKIE = "draft"
_COOKIE_PATH = "/report/"


def token_of(request: HttpRequest) -> str:
    """The token of the browser's draft, "" without one."""
    return request.COOKIES.get(_COOKIE, "")


def start_draft(request: HttpRequest, answers: Answers | None = None) -> HttpResponse:
    """To the first step of a new draft; to a page that says when to come back, where its network started too many."""
    if wait := limits.take(limits.DRAFT, guard.network(request)):
        return guard.too_many(request, wait)
    response = redirect("website:report-step", steps.STEPS[0].slug)
    response.set_cookie(
        _COOKIE,
        drafts.start(answers),
        max_age=int(drafts.KEPT.total_seconds()),
        path=_COOKIE_PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


def forget_draft(request: HttpRequest) -> HttpResponse:
    """Deletes the draft with the files it carries, and the cookie."""
    evidence.let_go(steps.held_tokens(drafts.discard(token_of(request))))
    response = redirect("website:report-deleted")
    response.delete_cookie(_COOKIE, path=_COOKIE_PATH, samesite="Lax")
    return response
