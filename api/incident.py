"""One published incident: in every format, its versions, and what changed between them."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from api.errors import Problem
from api.reading import Answer, ReadView, arguments, json_bytes, whole_number
from api.representations import headers_of, location_of, representation
from incidents import overlay, search, stored
from incidents.differences import differences
from incidents.format import DEFAULT, formats, without_suffix
from incidents.json_patch import json_patch
from incidents.models import Incident, Operation, Publication
from incidents.publishing import instant
from incidents.purge_keys import marks
from incidents.record import Record, is_public_id
from lib.canonical import digest

_PATCH = "application/json-patch+json"
_MOST_VERSIONS = 10**9
_FORMATS = ", ".join(f"`.{suffix}`" for suffix in formats())
_ANSWERS: dict[Any, Any] = {
    **{(200, one.media_type): Record if suffix == "json" else str for suffix, one in formats().items()},
    406: OpenApiResponse(description="problem+json: what there is instead"),
    410: OpenApiResponse(description="problem+json: the record was erased"),
}
_VERSION = {
    "type": "object",
    "required": ["version", "operation", "at", "digest", "number", "url"],
    "properties": {
        "version": {"type": "integer", "minimum": 1},
        "operation": {"type": "string", "enum": Operation.values},
        "at": {"type": "string", "format": "date-time"},
        "digest": {"type": "string", "description": "SHA-256 of the document's RFC 8785 bytes."},
        "number": {"type": "integer", "minimum": 1, "description": "As in `/api/v1/changes`."},
        "url": {"type": "string", "format": "uri"},
    },
}
_OVERLAY = {
    "type": "object",
    "required": ["changed", "hidden", "id", "node", "note", "origin", "same_event"],
    "properties": {
        "id": {"type": "string"},
        "origin": {"type": "string", "description": "The node whose record it is."},
        "node": {"type": "string", "description": "The node that says this: the one that answers."},
        "note": {"type": "string"},
        "same_event": {"type": ["string", "null"], "description": "A record of this node on the same event."},
        "hidden": {
            "type": ["object", "null"],
            "properties": {"at": {"type": "string", "format": "date-time"}, "because": {"type": "string"}},
        },
        "changed": {"type": "string", "format": "date-time"},
    },
}
_SIDE = {"type": "object", "properties": {name: _VERSION["properties"][name] for name in ("version", "at", "digest")}}  # type: ignore[index]
_DIFF = {
    "type": "object",
    "required": ["id", "from", "to", "patch", "fields"],
    "properties": {
        "id": {"type": "string"},
        "from": _SIDE,
        "to": _SIDE,
        "patch": {"type": "array", "items": {"type": "object"}, "description": "RFC 6902."},
        "fields": {
            "type": "array",
            "description": "For people, without what changes with every version.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "lines": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "mark": {"type": "string", "enum": ["+", "-", ""]},
                                "text": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    },
}


class _NegotiatedView(ReadView):
    """A view whose answer depends on Accept, unless the address says which it is."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Says so in every answer, problems too."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if without_suffix(request.path)[1] is None:
            patch_vary_headers(response, ["Accept"])
        return response


_ANY_ID = "FL-2000-00000000"


@cache
def _headers_of_any(_base_url: str) -> dict[str, str]:
    """The headers of a record that is named _ANY_ID."""
    address, chosen = reverse("api:incident", args=[_ANY_ID]), formats()[DEFAULT]
    history = (_link("version-history", "api:versions", _ANY_ID),)
    return headers_of(chosen, address, history) | location_of(chosen, address) | marks(address)


@extend_schema(tags=["incidents"])
class IncidentDetail(_NegotiatedView):
    """One incident."""

    @extend_schema(operation_id="get_incident", responses=_ANSWERS)
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """The current document, exactly as it was published, or in the format that Accept or a suffix of the address
        asks for; the Link header lists them all. An id of another database redirects to ours.

        A record merged into another answers with its own last document, so that its digest can be checked: `status` is
        `withdrawn`, `superseded_by` names the record in its place, and a Link header with rel="successor-version"
        (RFC 5829) leads there.
        """
        given, asked = without_suffix(public_id)
        record = stored.record(given)
        if record is None:
            suffix = f".{asked.suffix}" if asked else ""
            elsewhere = redirect(reverse("api:incident", args=[_found(given).public_id + suffix]))
            elsewhere["Access-Control-Allow-Origin"] = "*"
            return elsewhere
        links = [_link("version-history", "api:versions", given)]
        if record.origin != settings.NODE_NAME:
            links.append(_link("related", "api:incident-overlay", given))
        if record.superseded_by:
            links.append(_link("successor-version", "api:incident", search.in_place_of(_found(given)).public_id))
        address = reverse("api:incident", args=[given])
        return representation(request, record.document, address, asked, tuple(links))

    @classmethod
    def plain(cls, query: str, tag: str, **named: str) -> Answer | None:
        """What `get` answers somebody who accepts the stored document, of our own that nothing stands in place of."""
        given = named["public_id"]
        record = None if query else stored.record(given)
        if record is None or record.superseded_by or record.origin != settings.NODE_NAME:
            return None
        headers = {name: value.replace(_ANY_ID, given) for name, value in _headers_of_any(settings.BASE_URL).items()}
        return Answer(b"" if tag == record.digest else record.document, record.digest, headers)


@extend_schema(tags=["incidents"])
class IncidentOverlay(ReadView):
    """What this node itself says of a record of another."""

    @extend_schema(operation_id="get_incident_overlay", responses={200: _OVERLAY})
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """A note, a record of this node on the same event, or that this node hides it and why: never its origin's word.

        404 where this node says nothing of it.
        """
        said = overlay.of(public_id) if is_public_id(public_id) else None
        if said is None:
            raise Http404
        content = json.dumps(said, ensure_ascii=False).encode()
        return json_bytes(request, content, etag=digest(content)[:32])


@extend_schema(tags=["incidents"])
class VersionList(ReadView):
    """The versions of an incident."""

    @extend_schema(
        operation_id="list_incident_versions",
        responses={
            200: {
                "type": "object",
                "required": ["id", "items"],
                "properties": {"id": {"type": "string"}, "items": {"type": "array", "items": _VERSION}},
            }
        },
    )
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Every version that was published, oldest first: what was done, when, and the digest of the document."""
        incident = _found(public_id)
        entries = overlay.as_logged(incident.publications.order_by("version", "number").defer("document"))
        items = [
            {**_side(entry), "operation": entry.operation, "number": entry.number, "url": _url(incident, entry.version)}
            for entry in entries
        ]
        content = json.dumps({"id": incident.public_id, "items": items}).encode()
        return json_bytes(request, content, etag=digest(content))


@extend_schema(tags=["incidents"])
class VersionDetail(_NegotiatedView):
    """One version of an incident."""

    @extend_schema(operation_id="get_incident_version", responses=_ANSWERS)
    def get(self, request: HttpRequest, public_id: str, version: str) -> HttpResponseBase:
        """The document of a version, exactly as it was published then, or in another format as for the incident."""
        incident = _found(public_id)
        number, asked = without_suffix(version)
        entry = _entry(incident, number)
        links = [_link("latest-version", "api:incident", incident.public_id)]
        if entry.version > 1:
            links.append(_link("predecessor-version", "api:version", incident.public_id, entry.version - 1))
        if entry.version < incident.version:
            links.append(_link("successor-version", "api:version", incident.public_id, entry.version + 1))
        address = reverse("api:version", args=[incident.public_id, entry.version])
        return representation(request, bytes(entry.document), address, asked, tuple(links))


@extend_schema(tags=["incidents"])
class VersionDiff(_NegotiatedView):
    """What changed between two versions of an incident."""

    @extend_schema(
        operation_id="diff_incident_versions",
        parameters=[
            OpenApiParameter("from", int, description="A version; the one before `to` without it."),
            OpenApiParameter("to", int, description="A version; the current one without it."),
        ],
        responses={(200, "application/json"): _DIFF, (200, _PATCH): {"type": "array", "items": {"type": "object"}}},
    )
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """The JSON Patch (RFC 6902) from one version to the other, and the fields that differ, line by line.

        With `Accept: application/json-patch+json` the patch alone.
        """
        incident = _found(public_id)
        given = arguments(request, {"from", "to"})
        to = whole_number(given, "to", default=incident.version, most=_MOST_VERSIONS)
        since = whole_number(given, "from", default=max(to - 1, 1), most=_MOST_VERSIONS)
        before, after = _entry(incident, str(since)), _entry(incident, str(to))
        old, new = json.loads(bytes(before.document)), json.loads(bytes(after.document))
        patch = json_patch(old, new)
        if request.get_preferred_type(["application/json", _PATCH]) == _PATCH:
            content = json.dumps(patch, ensure_ascii=False).encode()
            return json_bytes(request, content, etag=digest(content), content_type=_PATCH, headers={"Vary": "Accept"})
        fields = [
            {"field": one.field, "lines": [{"mark": line.mark, "text": line.text} for line in one.lines]}
            for one in differences(old, new)
        ]
        said = {"id": incident.public_id, "from": _side(before), "to": _side(after), "patch": patch, "fields": fields}
        content = json.dumps(said, ensure_ascii=False).encode()
        return json_bytes(request, content, etag=digest(content), headers={"Vary": "Accept"})


def _found(given: str) -> Incident:
    incident = search.by_id(given)
    if incident is None and search.tombstone(given):
        raise Problem("erased", "This record was erased. The log says when and why.", status=410)
    if incident is None and (hiding := overlay.hidden(given)):
        raise Problem("hidden", f"This node decided not to show this record: {hiding.hidden_because}", status=410)
    if incident is None:
        raise Http404
    return incident


def _entry(incident: Incident, version: str) -> Publication:
    """The version with that number; raises Http404."""
    known = version.isascii() and version.isdigit() and len(version) < len(str(_MOST_VERSIONS))
    entry = incident.publications.filter(version=int(version)).first() if known else None
    if entry is None:
        raise Http404
    return entry


def _side(entry: Publication) -> dict[str, Any]:
    return {"version": entry.version, "at": instant(entry.at), "digest": entry.digest}


def _url(incident: Incident, version: int) -> str:
    return f"{settings.BASE_URL}{reverse('api:version', args=[incident.public_id, version])}"


def _link(relation: str, name: str, *parts: Any) -> str:
    return f'<{settings.BASE_URL}{reverse(name, args=parts)}>; rel="{relation}"'
