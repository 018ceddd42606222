"""The nodes that this one follows."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema

from api.reading import ReadView, arguments, json_bytes
from federation.models import PeerState
from federation.public_peers import public_peers, witnesses
from lib.canonical import digest

_PEER = {
    "type": "object",
    "required": [
        *("contradicted_itself", "cosigned", "cosigned_at", "lag", "last_exchange", "mirror", "name", "origin", "size"),
        *("state", "vkey"),
    ],
    "properties": {
        "name": {"type": "string", "description": "Of the node: `origin` of its records."},
        "origin": {"type": "string", "description": "Of its log, as its checkpoints say."},
        "state": {"type": "string", "enum": PeerState.values},
        "size": {"type": "integer", "minimum": 0, "description": "Entries of its log, verified and kept here."},
        "lag": {
            "type": "integer",
            "minimum": 0,
            "description": "Entries of its last checkpoint that did not take effect here yet.",
        },
        "cosigned": {
            "type": "integer",
            "minimum": 0,
            "description": "Entries of this node's own log under the last checkpoint of it that the peer cosigned.",
        },
        "cosigned_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it did, by its own clock.",
        },
        "last_exchange": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When its log last answered well.",
        },
        "contradicted_itself": {
            "type": "boolean",
            "description": "It signed two things that do not go together, and nobody here has cleared that up yet.",
        },
        "vkey": {"type": "string", "description": "The key that this node pinned. Get it from its operators, too."},
        "mirror": {"type": "string", "format": "uri", "description": "Where its log can be read here."},
    },
}


@extend_schema(tags=["log"])
class PeerList(ReadView):
    """Whose logs this node reads and shows."""

    @extend_schema(
        operation_id="list_peers",
        responses={
            200: {
                "type": "object",
                "required": ["items", "node", "witnesses"],
                "properties": {
                    "items": {"type": "array", "items": _PEER},
                    "node": {"type": "string"},
                    "witnesses": {
                        "type": "integer",
                        "minimum": 0,
                        "description": "How many peers cosigned this node's last checkpoint.",
                    },
                },
            }
        },
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """`{"items": [...], "node": ..., "witnesses": ...}`: whom this node follows or followed, how far."""
        arguments(request, ())
        items = [peer.document() for peer in public_peers()]
        found = {"items": items, "node": settings.NODE_NAME, "witnesses": witnesses()}
        content = json.dumps(found, ensure_ascii=False).encode()
        return json_bytes(request, content, etag=digest(content)[:32])
