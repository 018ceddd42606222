"""The OpenAPI 3.1 document: what the views declare, and what is true of all of them, said once here.

A client made from it knows every status, every problem document and the token's scheme.
"""

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from accounts.tokens import PATTERN
from api.errors import CONTENT_TYPE, body
from api.reading import json_bytes
from lib.canonical import digest
from lib.problems import KINDS

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Compare `type`; it leads to a page that explains it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The same on every node."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong with this very request."},
        "errors": {
            "type": "array",
            "description": "What is wrong where, one entry for each field or file.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
# What every operation may answer, and what only those with a body, with a name in their path, or of one id.
_ALWAYS = ("bad-argument", "malformed-token", "not-acceptable", "uri-too-long", "throttled", "busy")
_WITH_BODY = ("parse-error", "too-large", "unsupported-media-type", "invalid-question")
_WITH_PATH = ("not-found",)
_OF_ONE = {
    "submit_report": ("insufficient-scope", "invalid-submission"),
    "submit_results": ("insufficient-scope", "invalid-submission"),
    "add_evidence": ("unknown-receipt", "refused-file"),
    "get_report_status": ("unknown-receipt", "invalid-submission"),
    "withdraw_report": ("unknown-receipt", "invalid-submission"),
    "send_report_message": ("unknown-receipt", "wrong-state", "invalid-submission"),
    "check_bom": ("unreadable-bom",),
}
_HEADERS = {
    "RateLimit-Policy": 'The budget: `"address";q=6000;w=60` is 6,000 units in 60 seconds.',
    "RateLimit": 'How it stands: `"address";r=5999;t=1`, units left and seconds until it is whole again.',
}
_EXAMPLES: dict[str, Any] = {
    "submit_report": {
        "models": ["https://huggingface.co/org/name"],
        "category": "hidden_promotion",
        "kind": "hazard",
        "text": "Asked for any recipe, the model names the same shop in nine of ten answers.",
    },
    "check_models": {"items": ["pkg:huggingface/org/name@0123456789abcdef0123456789abcdef01234567", "org/other"]},
    "get_report_status": {"receipt": "XXXX-XXXX-XXXX-XXXX-XXXX-X"},
    "withdraw_report": {"receipt": "XXXX-XXXX-XXXX-XXXX-XXXX-X"},
    "send_report_message": {"receipt": "XXXX-XXXX-XXXX-XXXX-XXXX-X", "text": "It happens in German as well."},
}
_IN_PATHS = {
    "public_id": ("A record's id, or an id of the same event in another database.", "FL-2026-0A1B2C3D"),
    "hub": ("The hub's short name.", "huggingface"),
    "name": ("A repository's name on the hub, or a former one, letter case aside. It may hold slashes.", "org/name"),
    "taxonomy": ("The taxonomy's id.", "faultline"),
}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a token is sent."""

    target_class = "api.admission.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, str]:
        """RFC 6750."""
        about = f"An API token, made on the account page: `{PATTERN}`. None is needed; scope `read` raises the limit,"
        return {
            "type": "http",
            "scheme": "bearer",
            "description": f"{about} scope `report` reports in the account's name.",
        }


def complete(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """drf-spectacular's post-processing: adds what is true of every operation."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _complete(operation, path, method)
    return result


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    operation["security"] = [{}, {"token": []}]
    kinds = [*_ALWAYS, *(_WITH_BODY if "requestBody" in operation else ()), *(_WITH_PATH if "{" in path else ())]
    # What an operation may answer by itself goes before the general kind of the same status.
    for kind in [*_OF_ONE.get(operation["operationId"], ()), *kinds]:
        _add_problem(operation["responses"], kind)
    for status, response in operation["responses"].items():
        if status < "300":
            response["description"] = response.get("description") or "As asked."
            response["headers"] = {**_described(), **response.get("headers", {})}
    if method == "get":
        operation["responses"].setdefault("304", {"description": "Unchanged since the ETag in `If-None-Match`."})
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in _IN_PATHS:
            parameter["description"], parameter["example"] = _IN_PATHS[parameter["name"]]
    if operation["operationId"] in _EXAMPLES:
        content = operation["requestBody"]["content"]["application/json"]
        content.setdefault("example", _EXAMPLES[operation["operationId"]])


def _add_problem(responses: dict[str, Any], kind: str) -> None:
    status = KINDS[kind].status
    response = responses.setdefault(str(status), {"description": KINDS[kind].title + "."})
    if "content" in response:
        return
    example = body(kind, status, KINDS[kind].title + ".")
    response["content"] = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    if status in {429, 503}:
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == 401:  # noqa: PLR2004 - the status itself
        response["headers"] = {"WWW-Authenticate": {"description": "RFC 6750.", "schema": {"type": "string"}}}


def _described() -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}


@extend_schema(exclude=True)
class OpenApiDocument(APIView):
    """The document itself."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Made once by each process: what it describes changes with the code alone."""
        content = _document()
        return json_bytes(
            request, content, etag=digest(content), content_type="application/vnd.oai.openapi+json;version=3.1"
        )


@cache
def _document() -> bytes:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return json.dumps(generator.get_schema(request=None, public=True)).encode()  # type: ignore[no-untyped-call]
