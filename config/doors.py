"""Which doors are public: whoever comes in by one reads as the public does, whatever the view and the code below ask.

A door is the module of a view. Those in `settings.PRIVATE_DOORS` reach what people sent us or write what hubs say, and
read as the owner of the tables does. Every other is public, so that a view nobody listed can show no more than it may.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from lib.reading import by_the_public


class Doors:
    """Middleware: has public views answer within `by_the_public`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; afterwards this thread reads as it did before."""
        with ExitStack() as request.reads:  # type: ignore[attr-defined]
            return self._get_response(request)

    def process_view(self, request: Any, view: Any, _args: Any, _kwargs: Any) -> None:
        """Django calls it once it knows the view."""
        if not is_private(view):
            request.reads.enter_context(by_the_public())


def is_private(view: Any) -> bool:
    """Whether a view belongs to a private door."""
    module = getattr(view, "cls", view).__module__
    return any(module == door or module.startswith(f"{door}.") for door in settings.PRIVATE_DOORS)
