"""The list of published incidents: filters, orders, facets; the stored documents, byte for byte."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer

from api import exports
from api.errors import Problem
from api.exports import MEDIA_TYPES
from api.incident_filters import PARAMETERS, read_wanted, wanted_of
from api.reading import Answer, ReadView, how_many, json_bytes, not_modified, one_of, page_size
from incidents import counting, listing, log
from incidents.counting import FACETS, MOST_VALUES, Facet
from incidents.filters import Wanted
from incidents.listing import FIELDS, MOST_PER_PAGE, MOST_RANKED, Order, Sort
from incidents.position import LogHead, known_head
from incidents.purge_keys import marks
from lib.canonical import digest
from lib.kept import Kept

_MORE = {
    "as_of": "The record as it stood: a number of the log, or the end of a day, of a month, or of a second "
    "(2026-03-01T10:00:00Z). What hubs say of models counts as far as it is known now.",
    "sort": "published (without it), modified, occurred, severity or relevance. Relevance needs `q`, and orders the "
    f"{MOST_RANKED:,} newest records that match. A record without a date comes before all dates.",
    "order": "desc (without it) or asc.",
    "fields": "Members of the document to answer with, with commas between; `id` is always one.",
    "facets": f"Counts by these, with commas between: {', '.join(FACETS)}. At most {MOST_VALUES} values each.",
    "total": "true: how many records there are. Comes with facets anyway.",
    "cursor": "From `next` or the Link header of the page before, with the same filters and order. A walk sees one "
    "state of the log, whatever is published meanwhile.",
}
_COUNT = {
    "type": "object",
    "required": ["value", "basis"],
    "properties": {"value": {"type": "integer"}, "basis": {"enum": ["exact", "rollup", "sample"]}},
}
_FACET = {
    "type": "object",
    "required": ["basis", "more", "values"],
    "properties": {
        "basis": {
            "enum": ["exact", "rollup", "sample"],
            "description": "Counted; kept up with each publication; or estimated from a sample.",
        },
        "sampled": {"type": "integer", "description": "How many matching records the estimate rests on."},
        "more": {"type": "boolean", "description": "Whether there are values beside these."},
        "values": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["value", "count"],
                "properties": {"value": {"type": "string"}, "count": {"type": "integer"}},
            },
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["as_of", "items", "next"],
    "properties": {
        "as_of": {"type": "integer", "description": "The number of the log whose state this is."},
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
        "next": {"type": ["string", "null"], "format": "uri"},
        "total": _COUNT,
        "facets": {"type": "object", "additionalProperties": _FACET},
    },
}


# Answers that change with the log alone, by their query. A page of fifty takes about 100 kB.
kept: Kept[Answer] = Kept(32 * 2**20, lambda answer: len(answer.content))


@extend_schema(tags=["incidents"])
class IncidentList(ReadView):
    """Incidents, newest publication first."""

    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = (JSONRenderer, *exports.RENDERERS)

    @extend_schema(
        operation_id="list_incidents",
        parameters=[
            *PARAMETERS,
            *(OpenApiParameter(name, str, description=text) for name, text in _MORE.items()),
            how_many("limit", default=50, most=MOST_PER_PAGE, text="How many at once."),
        ],
        responses={
            (200, "application/json"): _ANSWER,
            **{(200, media_type): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
        },
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """`{"as_of": n, "items": [document, ...], "next": URL or null}`, and `total` and `facets` where asked for.

        The values of one filter, repeated or with commas between, are alternatives; all filters must hold. Ranges
        include both ends. Accepting another of the media types answers as `/api/v1/incidents.jsonl` and its like do:
        everything at once.
        """
        given, wanted = read_wanted(request, {*_MORE, "limit"})
        if (form := exports.form_accepted(request)) is not None:
            return exports.negotiated(request, given, wanted, form)
        question = _question(given, wanted, request.GET)
        head = known_head()
        number = _number(question, head.number)
        if question.is_of_log and (unchanged := not_modified(request, head.tag)):
            return unchanged
        answer = _answer(question, number, head)
        response = json_bytes(request, answer.content, etag=answer.etag)
        for name, value in answer.headers.items():
            response[name] = value
        return response

    @classmethod
    def plain(cls, query: str, tag: str, **_named: str) -> Answer | None:
        """What `get` answers somebody who accepts JSON."""
        question, head = _read(query), known_head()
        number = _number(question, head.number)
        if not question.is_of_log:
            return _answer(question, number, head)
        if tag == head.tag:
            return Answer(b"", tag, {})
        answer = kept.get(head.tag, query)
        if answer is None:
            answer = _answer(question, number, head)
            kept.keep(head.tag, query, answer)
        return answer

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Says that the answer depends on Accept, in a 304 and in problems too."""
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["Accept"])
        return response


@dataclass(frozen=True)
class _Question:
    """A query, understood. `is_of_log`: the answer changes with the log alone."""

    wanted: Wanted
    order: Order
    fields: Sequence[str]
    facets: Sequence[str]
    counts: bool
    size: int
    as_of: str
    cursor: str
    first: str  # the path of the first page, with its query
    marks: Mapping[str, str]
    is_of_log: bool


@lru_cache(maxsize=1000)
def _read(query: str) -> _Question:
    """A query string as WSGI gives it. Raises Problem."""
    arguments = QueryDict(query.encode("iso-8859-1"))
    given, wanted = wanted_of(arguments, {*_MORE, "limit"})
    return _question(given, wanted, arguments)


@cache
def _path() -> str:
    return reverse("api:incidents")


def _question(given: Mapping[str, str], wanted: Wanted, arguments: QueryDict) -> _Question:
    facets, path = _listed(given, "facets", list(FACETS)), _path()
    pairs = [(name, value) for name, values in arguments.lists() for value in values if name != "cursor"]
    return _Question(
        wanted=wanted,
        order=_order(given, wanted),
        fields=_fields(given),
        facets=facets,
        counts=one_of(given, "total", ["true", "false"]) == "true" or bool(facets),
        size=page_size(given, most=MOST_PER_PAGE),
        as_of=given.get("as_of", ""),
        cursor=given.get("cursor", ""),
        first=f"{path}?{urlencode(pairs)}" if pairs else path,
        marks=marks(path),
        # What the catalogue learns is no entry of the log.
        is_of_log=not wanted.depends_on_catalogue and not facets,
    )


def _answer(question: _Question, number: int, head: LogHead) -> Answer:
    wanted = question.wanted
    page = listing.find(
        wanted,
        number=number,
        order=question.order,
        after=question.cursor,
        limit=question.size,
        fields=question.fields,
    )
    answer: dict[str, Any] = {"as_of": page.number}
    if question.counts:
        found = counting.count(wanted, question.facets, number=page.number, head=head.number)
        answer["total"] = {"value": found.total, "basis": found.basis}
        answer |= {"facets": {name: _facet(one) for name, one in found.facets.items()}} if question.facets else {}
    first = f"{settings.BASE_URL}{question.first}"
    following = f"{first}{'&' if '?' in first else '?'}cursor={page.next}" if page.next else None
    content = _content(answer, page.documents, following)
    link = f'<{first}>; rel="first"' + (f', <{following}>; rel="next"' if following else "")
    return Answer(content, head.tag if question.is_of_log else digest(content), {"Link": link, **question.marks})


def _order(given: Mapping[str, str], wanted: Wanted) -> Order:
    sort = Sort(one_of(given, "sort", list(Sort)) or Sort.PUBLISHED)
    if sort is Sort.RELEVANCE and not wanted.q:
        raise Problem("bad-argument", "The order by relevance needs words to be relevant to: q.")
    return Order(sort, one_of(given, "order", ["asc", "desc"]) != "asc")


def _fields(given: Mapping[str, str]) -> Sequence[str]:
    fields = _listed(given, "fields", FIELDS)
    return [*dict.fromkeys(["id", *fields])] if fields else []


def _listed(given: Mapping[str, str], name: str, allowed: Sequence[str]) -> list[str]:
    values = [part.strip() for part in given.get(name, "").split(",") if part.strip()]
    if not set(values) <= set(allowed):
        raise Problem("bad-argument", f"{name} are some of {', '.join(sorted(allowed))}.")
    return list(dict.fromkeys(values))


def _number(question: _Question, head: int) -> int:
    """The number of the log that is looked at. Raises Problem."""
    if not question.as_of:
        return head
    try:
        return log.number_of(question.as_of, head)
    except log.BadStateError as error:
        raise Problem("bad-argument", str(error)) from error


def _facet(facet: Facet) -> dict[str, Any]:
    values = [{"value": value, "count": count} for value, count in facet.values]
    sampled = {} if facet.sampled is None else {"sampled": facet.sampled}
    return {"basis": facet.basis, **sampled, "more": facet.more, "values": values}


def _content(answer: Mapping[str, Any], documents: Sequence[bytes], following: str | None) -> bytes:
    """`answer` with the documents as they are stored."""
    begun = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    return begun + b',"items":[' + b",".join(documents) + b'],"next":' + json.dumps(following).encode() + b"}"
