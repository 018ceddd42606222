"""What every read endpoint does: parse arguments strictly, answer stored bytes, and let callers revalidate cheaply."""

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from drf_spectacular.utils import OpenApiParameter

from api.errors import Problem

MOST_PER_PAGE = 100
_LONGEST_VALUE = 500
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": 50},
    description="How many at once.",
)


def json_bytes(
    request: HttpRequest, content: bytes, *, etag: str, content_type: str = "application/json"
) -> HttpResponseBase:
    """`content` as the answer, or 304 where the caller's ETag still holds. Public caches may keep it for a minute."""
    tag = f'"{etag}"'
    response = HttpResponse(content, content_type=content_type)
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
