"""What a browser holds of a draft: a cookie for the form alone, in each language, so that a switch loses nothing."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language

from reports import drafts, evidence
from reports.abuse import limits
from reports.drafts import Answers
from website import guard
from website.language import in_language
from website.reporting import steps


def token_of(request: HttpRequest) -> str:
    """The token of the browser's draft, "" without one."""
    return request.COOKIES.get(_cookie(str(get_language())), "")


def start_draft(request: HttpRequest, answers: Answers | None = None) -> HttpResponse:
    """To the first step of a new draft; to a page that says when to come back, where its network started too many."""
    if wait := limits.take(limits.DRAFT, guard.network(request)):
        return guard.too_many(request, wait)
    response = redirect("website:report-step", steps.STEPS[0].slug)
    token = drafts.start(answers)
    for code, _ in settings.LANGUAGES:
        response.set_cookie(
            _cookie(code),
            token,
            max_age=int(drafts.KEPT.total_seconds()),
            path=_path(code),
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
    return response


def forget_draft(request: HttpRequest) -> HttpResponse:
    """Deletes the draft with the files it carries, and the cookie."""
    evidence.let_go(steps.held_tokens(drafts.discard(token_of(request))))
    response = redirect("website:report-deleted")
    for code, _ in settings.LANGUAGES:
        response.delete_cookie(_cookie(code), path=_path(code), samesite="Lax")
    return response


def _cookie(code: str) -> str:
    """The cookie for the form in one language: each language has a path of its own, and no cookie is for all paths."""
    return "draft" if code == settings.LANGUAGE_CODE else f"draft-{code}"


def _path(code: str) -> str:
    return in_language(code, "/report/")
