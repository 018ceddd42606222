"""Proofs from the public log, for those who check what they read."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from api.errors import Problem
from api.reading import ReadView, arguments, json_bytes, whole_number
from federation import cosignatures
from federation import proofs as theirs
from incidents import proofs
from incidents.record import is_public_id
from lib.canonical import digest

_HASHES = {"type": "array", "items": {"type": "string", "description": "SHA-256, base64."}}
_PROVED = {
    "index": {"type": "integer", "minimum": 0},
    "leaf": {"type": "string", "description": "The entry's bytes, which the tree covers."},
    "object": {"type": ["object", "null"], "description": "JWS over the record and a salt (RFC 7515)."},
    "inclusion": {**_HASHES, "description": "The proof of RFC 9162, 2.1.3, the leaf's sibling first."},
}


@extend_schema(tags=["log"])
class IncidentProof(ReadView):
    """What proves a record."""

    @extend_schema(
        operation_id="get_incident_proof",
        responses={
            200: {
                "type": "object",
                "required": ["checkpoint", "id", "inclusion", "index", "keys", "leaf", "object", "schema"],
                "properties": {
                    "schema": {"type": "string", "const": proofs.SCHEMA},
                    "id": {"type": "string"},
                    **_PROVED,
                    "keys": {"type": "object", "properties": _PROVED},
                    "checkpoint": {
                        "type": "string",
                        "description": "A signed note (c2sp.org/tlog-checkpoint), with cosignatures.",
                    },
                },
            }
        },
    )
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """The record as it was signed, its place in the log, and what leads from there to a signed checkpoint.

        With it `faultline-verify record` needs no other answer of this node. Of an erased record it proves the erasure.
        A record of another node is proved under the checkpoint of that node, whose key the verifier then needs. Below
        the signature stand the cosignatures of witnesses (c2sp.org/tlog-cosignature), as far as they are there yet.
        """
        if not is_public_id(public_id):
            raise Http404
        try:
            bundle = proofs.bundle(public_id, cosignatures.lines) or theirs.bundle(public_id)
        except proofs.NotSignedYetError as error:
            detail = "No checkpoint covers this yet; ask again in a minute."
            raise Problem("not-signed-yet", detail, status=503, wait=60) from error
        if bundle is None:
            raise Http404
        return _json(request, bundle)


@extend_schema(tags=["log"])
class ConsistencyProof(ReadView):
    """What proves that nothing was rewritten."""

    @extend_schema(
        operation_id="get_consistency_proof",
        parameters=[
            OpenApiParameter("from", int, required=True, description="The size of a checkpoint that you have."),
            OpenApiParameter("to", int, description="The size of a later one; the last one without it."),
        ],
        responses={
            200: {
                "type": "object",
                "required": ["from", "from_root", "proof", "to", "to_root"],
                "properties": {
                    "from": {"type": "integer", "minimum": 1},
                    "to": {"type": "integer", "minimum": 1},
                    "from_root": {"type": "string", "description": "SHA-256, base64."},
                    "to_root": {"type": "string", "description": "SHA-256, base64."},
                    "proof": {**_HASHES, "description": "RFC 9162, 2.1.4."},
                },
            }
        },
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """That the log of `to` entries begins with the log of `from` entries."""
        given = arguments(request, {"from", "to"})
        old = whole_number(given, "from", default=0, most=2**63 - 1)
        new = whole_number(given, "to", default=0, most=2**63 - 1)
        try:
            return _json(request, proofs.consistency(old, new if "to" in given else None))
        except proofs.NoSuchSizeError as error:
            raise Problem("bad-argument", f"There is no such proof: {error}.") from error


def _json(request: HttpRequest, value: dict[str, Any]) -> HttpResponseBase:
    content = json.dumps(value, ensure_ascii=False).encode()
    return json_bytes(request, content, etag=digest(content)[:32])
