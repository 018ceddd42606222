"""Published incidents: the stored documents, byte for byte."""

import json

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from api import exports
from api.errors import Problem
from api.exports import MEDIA_TYPES
from api.filters import FILTERS, PARAMETERS, wanted_from
from api.reading import arguments, json_bytes, link_to, page_size
from incidents import log, search
from incidents.record import Record
from incidents.search import BadCursorError


@extend_schema(tags=["incidents"])
class IncidentList(APIView):
    """Incidents, newest publication first."""

    renderer_classes = (JSONRenderer, *exports.RENDERERS)

    @extend_schema(
        operation_id="list_incidents",
        parameters=[
            *PARAMETERS,
            OpenApiParameter("cursor", str, description="From `next` or the Link header of the page before."),
            OpenApiParameter("limit", int, description="1 to 100; 50 without it."),
        ],
        responses={
            **{(200, media_type): OpenApiTypes.BINARY for media_type in MEDIA_TYPES.values()},
            (200, "application/json"): {
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
                    "next": {"type": ["string", "null"], "format": "uri"},
                },
            },
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """`{"items": [document, ...], "next": URL or null}`.

        Accepting another of the media types answers as `/api/v1/incidents.jsonl` and its like do: everything at once.
        """
        given = arguments(request, {*FILTERS, "cursor", "limit"})
        if request.accepted_renderer.format in MEDIA_TYPES:
            return exports.negotiated(request, given)
        wanted = wanted_from(given)
        etag = log.head().chain or "empty"
        try:
            page = search.find(wanted, after=given.get("cursor", ""), limit=page_size(given))
        except BadCursorError as error:
            raise Problem("bad-cursor", str(error)) from error
        following = link_to(request, {**given, "cursor": page.next}) if page.next else None
        documents = b",".join(bytes(incident.document) for incident in page.incidents)
        content = b'{"items":[' + documents + b'],"next":' + json.dumps(following).encode() + b"}"
        response = json_bytes(request, content, etag=etag)
        patch_vary_headers(response, ["Accept"])
        if following:
            response["Link"] = f'<{following}>; rel="next"'
        return response


@extend_schema(tags=["incidents"])
class IncidentDetail(APIView):
    """One incident."""

    @extend_schema(operation_id="get_incident", responses={200: Record})
    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """The current document, exactly as it was published. An id of another database redirects to ours.

        A record merged into another answers with its own last document, so that its digest can be checked: `status` is
        `withdrawn`, `superseded_by` names the record in its place, and a Link header with rel="successor-version"
        (RFC 5829) leads there.
        """
        incident = search.by_id(public_id)
        if incident is None:
            raise Http404
        if incident.public_id != public_id:
            return redirect("api:incident", public_id=incident.public_id)
        response = json_bytes(request, bytes(incident.document), etag=incident.digest)
        if incident.superseded_by:
            successor = reverse("api:incident", args=[search.in_place_of(incident).public_id])
            response["Link"] = f'<{settings.BASE_URL}{successor}>; rel="successor-version"'
        return response
