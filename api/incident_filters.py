"""The filters of incidents as arguments of a query: the same for the list and for exports."""

from collections.abc import Collection

from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import OpenApiParameter

from api.errors import Problem
from api.reading import arguments_of
from incidents.filters import FILTERS, MORE_FILTERS, BadFilterError, Wanted, read_filters

PARAMETERS = [
    *(OpenApiParameter(name, str, many=True, description=one.text) for name, one in FILTERS.items()),
    *(OpenApiParameter(name, str, description=text) for name, text in MORE_FILTERS.items()),
]


def read_wanted(request: HttpRequest, more: Collection[str] = ()) -> tuple[dict[str, str], Wanted]:
    """What is given once, `more` too, and what the filters ask for. Raises Problem."""
    return wanted_of(request.GET, more)


def wanted_of(query: QueryDict, more: Collection[str] = ()) -> tuple[dict[str, str], Wanted]:
    """The same of a query by itself."""
    lists = dict(query.lists())
    given = arguments_of(query, {*MORE_FILTERS, *more}, repeated=FILTERS)
    try:
        return given, read_filters({name: lists[name] for name in lists if name in FILTERS or name in MORE_FILTERS})
    except BadFilterError as error:
        raise Problem("bad-argument", str(error)) from error
