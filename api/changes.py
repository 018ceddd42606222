"""What became public here, of this node and of those it follows, for everyone who keeps a copy."""

import json

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from api.errors import Problem
from api.reading import LIMIT, ReadView, arguments, json_bytes, not_modified, page_size, whole_number
from incidents import log, stored
from incidents.models import Operation
from incidents.position import known_head
from incidents.publishing import instant
from incidents.waiting import CrowdedError, wait_beyond

MOST = 2**63 - 1
MOST_SECONDS = 30
RETRY_SECONDS = 5
_ENTRY = {
    "type": "object",
    "required": ["at", "digest", "document", "id", "index", "number", "object", "operation", "origin", "version"],
    "properties": {
        "number": {
            "type": "integer",
            "minimum": 1,
            "description": "Its place among all that became public here, in commit order: what `after` and `as_of` "
            "mean. What is missing between two is no record.",
        },
        "origin": {"type": "string", "description": "The node whose record it is."},
        "index": {"type": "integer", "minimum": 1, "description": "Of the entry in the log of that node."},
        "operation": {"type": "string", "enum": Operation.values},
        "id": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "at": {"type": "string", "format": "date-time"},
        "digest": {
            "type": "string",
            "description": "SHA-256 of the document's RFC 8785 bytes; empty where the record was erased.",
        },
        "object": {
            "type": "string",
            "description": "SHA-256 of the signed object: at /log/object/<sha256>; another node's, at "
            "/mirror/<SHA-256 of its log's origin>/object/<sha256>.",
        },
        "document": {
            "oneOf": [{"$ref": "#/components/schemas/Record"}, {"type": "null"}],
            "description": "null where the record was erased, or while this node hides it.",
        },
    },
}


@extend_schema(tags=["log"])
class Changes(ReadView):
    """What was published, corrected, disputed, withdrawn, merged, restored and erased, in order."""

    @extend_schema(
        operation_id="list_changes",
        parameters=[
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0},
                description="The last number you have; 0 to start.",
            ),
            OpenApiParameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": 0},
                description="How many seconds the answer may wait for an entry beyond `after` while there is none."
                " Without one until then, `entries` is empty. Such answers are kept by no cache; where too many wait"
                " already, the answer is a 503, `busy`, with `Retry-After`.",
            ),
            LIMIT,
        ],
        responses={
            200: {
                "type": "object",
                "required": ["entries", "head"],
                "properties": {
                    "entries": {"type": "array", "items": _ENTRY},
                    "head": {
                        "type": "object",
                        "properties": {"number": {"type": "integer"}, "object": {"type": "string"}},
                    },
                },
            }
        },
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """`{"entries": [...], "head": {"number", "object"}}`: entries after `after`, oldest first."""
        given = arguments(request, {"after", "limit", "wait"})
        after = whole_number(given, "after", default=0, most=MOST)
        size = page_size(given)
        wait = whole_number(given, "wait", default=0, most=MOST_SECONDS)
        if not wait:
            return _answer(request, after, size)
        _wait_beyond(after, wait)
        response = _answer(request, after, size)
        response.headers["Cache-Control"] = "no-store"  # whoever asks again wants what is new by then
        return response


def _answer(request: HttpRequest, after: int, size: int) -> HttpResponseBase:
    if unchanged := not_modified(request, known_head().tag):
        return unchanged
    head = log.head()
    entries = stored.entries_after(after, size)
    standing = json.dumps({"number": head.number, "object": head.object_digest}).encode()
    content = b'{"entries":[' + b",".join(map(_entry, entries)) + b'],"head":' + standing + b"}"
    return json_bytes(request, content, etag=head.tag)


def _wait_beyond(number: int, seconds: int) -> None:
    try:
        wait_beyond(number, seconds)
    except CrowdedError as error:
        raise Problem("busy", str(error), status=503, wait=RETRY_SECONDS) from error


def _entry(entry: stored.Entry) -> bytes:
    about = {
        "number": entry.number,
        "origin": entry.origin,
        "index": entry.index,
        "operation": entry.operation,
        "id": entry.public_id,
        "version": entry.version,
        "at": instant(entry.at),
        "digest": entry.digest,
        "object": entry.object_digest,
    }
    return json.dumps(about).encode()[:-1] + b',"document":' + (entry.document or b"null") + b"}"
