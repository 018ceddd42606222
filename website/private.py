"""Answers that concern one person alone."""

from django.http import HttpResponse


def private(response: HttpResponse) -> HttpResponse:
    """Keeps the answer out of every cache, and its address from other sites."""
    # Not "no-referrer": under it browsers post with `Origin: null`, which the check for forged requests refuses.
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store"
    return response
