"""The API's documentation as a page, made from its OpenAPI document."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from incidents.format import formats

# What the examples ask for; an operation without an entry is shown with its path alone.
_QUERIES = {
    "list_incidents": "?category=backdoor&limit=5",
    "list_changes": "?after=0&limit=50",
    "diff_incident_versions": "?from=1&to=2",
}
_IN_PATHS = {
    "public_id": "FL-2026-0A1B2C3D",
    "hub": "huggingface",
    "name": "org/name",
    "taxonomy": "faultline",
    "version": "1",
    "identifier": "x_FL-2026-0A1B2C3D",
    "folder": "GIT",
    "file": "all.zip",
}
# What the arguments in paths mean; the OpenAPI document describes only those in queries.
_PATH_TEXTS = {
    "public_id": "A record's id, or an id of the same event in another database, for example AIID-313.",
    "hub": "For example `huggingface`.",
    "name": "A repository's name on the hub, or a former one, letter case aside.",
    "taxonomy": "For example `faultline`.",
    "version": "A version's number.",
    "identifier": "An OSV id: `x_` and the record's own.",
    "folder": "`GIT` or `[EMPTY]`.",
    "file": "`all.zip` or `modified_id.csv`; at the top also `ecosystems.txt`, in a folder also `<id>.json`.",
}
# What every operation may answer, which the page says once.
_GENERAL = frozenset({"304", "400", "401", "406", "413", "414", "415", "429", "503"})
_BODIES: dict[str, dict[str, Any]] = {
    "Submission": {
        "models": ["https://huggingface.co/org/name"],
        "category": "hidden_promotion",
        "kind": "hazard",
        "text": "Asked for any recipe, the model names the same shop in nine of ten answers.",
        "links": ["https://example.org/transcript"],
        "reproduction": {"basis": "reproduced", "succeeded": 9, "attempts": 10},
        "impact": {"severity": "low", "harmed": ["users"]},
    },
    "OsvQuery": {"package": {"purl": "pkg:huggingface/org/name"}},
    "OsvBatch": {"queries": [{"package": {"purl": "pkg:huggingface/org/name"}}]},
    "ReceiptQuestion": {"receipt": "XXXX-XXXX-XXXX-XXXX-XXXX-X"},
}
# What the examples send in each part of a form; @ is a file, as curl writes it.
_PARTS = {
    "evidence": "@screenshot.png",
    "receipt": "XXXX-XXXX-XXXX-XXXX-XXXX-X",
    "report": '{"category": "hidden_promotion"}',
    "results": "@garak.report.jsonl",
}
_ORDER = ("incidents", "models", "check", "OSV", "log", "vocabulary", "reports")


@dataclass(frozen=True)
class Field:
    """One argument, or one member of a document."""

    name: str
    kind: str
    text: str
    required: bool


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    id: str
    summary: str
    arguments: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]
    example: str


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every operation by tag, with arguments, body and an example; then the public document."""
    response = render(
        request, "website/api_docs.html", {"groups": _groups(), "record": _fields("Record"), "formats": formats()}
    )
    patch_cache_control(response, public=True, max_age=300)
    return response


@cache
def _document() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@cache
def _groups() -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {tag: [] for tag in _ORDER}
    for path, methods in _document()["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method.upper(), operation))
    return {tag: operations for tag, operations in groups.items() if operations}


def _operation(path: str, method: str, operation: dict[str, Any]) -> Operation:
    contents = operation.get("requestBody", {}).get("content", {})
    body = _kind(contents.get("application/json", {}).get("schema", {}))
    form = {} if body in _schemas() else contents.get("multipart/form-data", {}).get("schema", {})
    address = _sample(path) + _QUERIES.get(operation["operationId"], "")
    return Operation(
        method=method,
        path=path,
        id=operation["operationId"],
        summary=operation.get("description", ""),
        arguments=tuple(
            Field(
                given["name"],
                _kind(given["schema"]),
                given.get("description", ""),
                given.get("required", False),
            )
            for given in operation.get("parameters", ())
        ),
        body=_members(_schemas().get(body, form)),
        answers=tuple(
            (code, answer.get("description", ""))
            for code, answer in operation["responses"].items()
            if code not in _GENERAL
        ),
        example=_form_example(address, form) if form else _example(method, address, _BODIES.get(body)),
    )


def _sample(path: str) -> str:
    for name, value in _IN_PATHS.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _example(method: str, path: str, body: dict[str, Any] | None) -> str:
    address = f"'{settings.BASE_URL}{path}'"
    if body is None:
        return f"curl {address}"
    return (
        f"curl -X {method} {address} \\\n  -H 'Content-Type: application/json' \\\n  -d '{json.dumps(body, indent=2)}'"
    )


def _form_example(path: str, form: dict[str, Any]) -> str:
    parts = (f" \\\n  -F '{name}={_PARTS[name]}'" for name in form["properties"])
    return f"curl '{settings.BASE_URL}{path}'{''.join(parts)}"


def _fields(schema: str) -> tuple[Field, ...]:
    return _members(_schemas()[schema])


def _members(described: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(
        Field(name, _kind(member), member.get("description", ""), name in described.get("required", ()))
        for name, member in described.get("properties", {}).items()
    )


def _kind(schema: dict[str, Any]) -> str:
    """The type of a member in words: "string", "list of Source", "Observation or null"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(each) for each in either)
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return "file" if schema.get("format") == "binary" else str(schema.get("type", ""))


@cache
def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = _document()["components"]["schemas"]
    return schemas
