"""The public log, for everyone who keeps a copy."""

import json

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.views import APIView

from api.reading import arguments, json_bytes, page_size, whole_number
from incidents import log
from incidents.models import Operation, Publication
from incidents.publishing import instant

_ENTRY = {
    "type": "object",
    "required": ["at", "digest", "document", "id", "number", "object", "operation", "version"],
    "properties": {
        "number": {
            "type": "integer",
            "minimum": 1,
            "description": "The entry's index in the log, in commit order. What is missing between two is no record.",
        },
        "operation": {"type": "string", "enum": Operation.values},
        "id": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "at": {"type": "string", "format": "date-time"},
        "digest": {
            "type": "string",
            "description": "SHA-256 of the document's RFC 8785 bytes; empty where the record was erased.",
        },
        "object": {"type": "string", "description": "SHA-256 of the signed object, at /log/object/<sha256>."},
        "document": {
            "oneOf": [{"$ref": "#/components/schemas/Record"}, {"type": "null"}],
            "description": "null where the record was erased.",
        },
    },
}


@extend_schema(tags=["log"])
class Changes(APIView):
    """What was published, corrected, disputed, withdrawn, merged, restored and erased, in order."""

    @extend_schema(
        operation_id="list_changes",
        parameters=[
            OpenApiParameter("after", int, description="The last number you have; 0 to start."),
            OpenApiParameter("limit", int, description="1 to 100; 50 without it."),
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
        given = arguments(request, {"after", "limit"})
        after = whole_number(given, "after", default=0, most=2**63 - 1)
        head = log.head()
        entries = log.entries_after(after, page_size(given))
        standing = json.dumps({"number": head.number, "object": head.object_digest}).encode()
        content = b'{"entries":[' + b",".join(map(_entry, entries)) + b'],"head":' + standing + b"}"
        return json_bytes(request, content, etag=head.object_digest or "empty")


def _entry(entry: Publication) -> bytes:
    about = {
        "number": entry.number,
        "operation": entry.operation,
        "id": entry.incident.public_id,
        "version": entry.version,
        "at": instant(entry.at),
        "digest": entry.digest,
        "object": entry.object_digest,
    }
    return json.dumps(about).encode()[:-1] + b',"document":' + (bytes(entry.document) or b"null") + b"}"
