"""What stands before the forms of reporting: proof of work, traps for programs, and limits.

A form shows `website/_guard.html` with `guard()`; its view asks `seconds_to_wait` and hands `facts_of` to the judge.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lib.network import network_of
from reports.abuse import Facts, Proof, limits, proof, questions

# The trap's name is one that programs fill in and no field of ours has.
TRAP = "homepage"
_SALT = "website.guard"
_LONGEST_OPEN = 7 * 86400


def guard() -> dict[str, Any]:
    """What `website/_guard.html` shows: a question, and which it is, signed."""
    number = questions.pick()
    asked = signing.dumps(number, salt=_SALT)
    return {"asked": asked, "question": questions.QUESTIONS[number][0], "trap": TRAP}


def facts_of(request: HttpRequest, *, since: datetime) -> Facts:
    """How a form was filled in, `since` it was begun.

    A proof of work counts once: ask only when the report can otherwise be stored.
    """
    return Facts(
        proof.check(request.POST.get("proof", "")),
        honeypot=bool(request.POST.get(TRAP)),
        seconds=max((timezone.now() - since).total_seconds(), 0.0),
        answered=_is_answered(request),
    )


def _is_answered(request: HttpRequest) -> bool:
    try:
        number = signing.loads(request.POST.get("asked", ""), salt=_SALT, max_age=_LONGEST_OPEN)
    except signing.BadSignature:
        return False
    return questions.is_right(number, request.POST.get("answer", ""))


def network(request: HttpRequest) -> str:
    """The coarse network a request comes from; for limits, never to be stored."""
    return network_of(request.META, proxies=settings.PROXIES)


def seconds_to_wait(request: HttpRequest, facts: Facts) -> float:
    """Takes one report from the budgets of its network and, without a proof of work, of everybody; 0 for go."""
    wait = limits.take(limits.SUBMIT, network(request))
    if not wait and facts.proof not in (Proof.GIVEN, Proof.UNCHECKED):
        wait = limits.take(limits.UNPROVEN, network(request))
    return wait


def wait_words(seconds: float) -> str:
    """How long to wait, as a sentence."""
    minutes = max(round(seconds / 60 + 0.5), 1)
    return ngettext("Please try again in a minute.", "Please try again in %(minutes)d minutes.", minutes) % {
        "minutes": minutes
    }


def too_many(request: HttpRequest, seconds: float) -> HttpResponse:
    """A 429 page that says when to come back (RFC 6585, section 4)."""
    context = {"text": gettext("Too much came from your network, or from everywhere."), "wait": wait_words(seconds)}
    response = render(request, "website/429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    return with_retry(response, seconds)


def with_retry(response: HttpResponse, seconds: float) -> HttpResponse:
    """The response with when to come back."""
    response["Retry-After"] = str(int(seconds) + 1)
    return response


@never_cache
@require_safe
def challenge(request: HttpRequest) -> HttpResponse:
    """A challenge for the proof of work, as JSON."""
    if wait := limits.take(limits.CHALLENGE, network(request)):
        return too_many(request, wait)
    return JsonResponse(proof.new_challenge(network(request)))
