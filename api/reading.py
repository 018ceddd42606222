"""What every read endpoint does: parse arguments strictly, answer stored bytes, and let callers revalidate cheaply."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.utils import OpenApiParameter
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import Problem

MOST_PER_PAGE = 100
_LONGEST_VALUE = 500
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": 50},
    description="How many at once.",
)


class Indifferent(BaseContentNegotiation):
    """Leaves it to the view what a caller accepts; what else is said, problems above all, is JSON."""

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or ""

    def select_parser(self, _request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The first parser, whatever the body is said to be."""
        return next(iter(parsers))


class ReadView(APIView):
    """A view that anybody may read from any page. What a caller accepts is the view's own business."""

    content_negotiation_class = Indifferent

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        """What may be done here, for browsers that ask before a request from another page (the Fetch standard)."""
        allowed = ", ".join(self.allowed_methods)
        headers = {
            "Allow": allowed,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match",
            "Access-Control-Max-Age": "86400",
        }
        return Response(status=204, headers=headers)


def json_bytes(
    request: HttpRequest,
    content: bytes,
    *,
    etag: str,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> HttpResponseBase:
    """`content` as the answer, or 304 where the caller's ETag still holds. Public caches may keep it for a minute."""
    tag = f'"{etag}"'
    response = HttpResponse(content, content_type=content_type, headers=headers)
    response["ETag"] = tag
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=60)
    return get_conditional_response(request, etag=tag, response=response) or response


def arguments(request: HttpRequest, known: Collection[str], repeated: Collection[str] = ()) -> dict[str, str]:
    """The query's arguments but those that may be `repeated`. Raises Problem for one unknown, repeated or with NUL."""
    for name, values in request.GET.lists():
        if name in repeated:
            continue
        if name not in known:
            names = ", ".join(sorted({*known, *repeated}))
            raise Problem("unknown-argument", f"There is no argument {name!r}; there are {names}.")
        if len(values) > 1 or "\x00" in values[0] or len(values[0]) > _LONGEST_VALUE:
            raise Problem("bad-argument", f"{name} was given more than once, is too long, or holds a NUL.")
    lists = [(name, values[0].strip()) for name, values in request.GET.lists() if name not in repeated]
    return {name: value for name, value in lists if value}


def one_of(given: Mapping[str, str], name: str, allowed: Collection[str]) -> str:
    """The argument, "" where it is absent. Raises Problem where it is none of `allowed`."""
    value = given.get(name, "")
    if value and value not in allowed:
        raise Problem("bad-argument", f"{name} is one of {', '.join(sorted(allowed))}.")
    return value


def whole_number(given: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """The argument as a number from 0 to `most`. Raises Problem."""
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        raise Problem("bad-argument", f"{name} is a whole number from 0 to {most}.")
    return int(text)


def page_size(given: Mapping[str, str], *, most: int = MOST_PER_PAGE) -> int:
    """The argument `limit`. Raises Problem."""
    limit = whole_number(given, "limit", default=50, most=most)
    if limit == 0:
        raise Problem("bad-argument", f"limit is a whole number from 1 to {most}.")
    return limit


def link_to(request: HttpRequest, given: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """This endpoint's absolute URL with other arguments."""
    query = urlencode(given)
    return f"{settings.BASE_URL}{request.path}" + (f"?{query}" if query else "")
