"""Published incidents: the stored documents, byte for byte."""

import json

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.views import APIView

from api.errors import Problem
from api.reading import arguments, json_bytes, link_to, one_of, page_size
from incidents import log, search
from incidents.record import EvidenceGrade, Kind, Record, Severity, Status
from incidents.search import BadCursorError, Wanted
from incidents.taxonomy import category_codes

_FILTERS = {
    "q": 'Words, in web-search syntax: "a phrase", OR, -not.',
    "category": "A term of the taxonomy `faultline`; its children are included.",
    "kind": "incident, hazard, exercise or measurement.",
    "severity": "unknown, negligible, low, moderate, high or critical.",
    "evidence_grade": "claim, documented, reproduced or confirmed.",
    "status": "published, disputed or withdrawn; without it, all but withdrawn.",
    "hub": "For example huggingface.",
    "model": "A repository's name on the hub, letter case aside.",
    "alias": "An id of the same event elsewhere, for example AIID-313.",
}


@extend_schema(tags=["incidents"])
class IncidentList(APIView):
    """Incidents, newest publication first."""

    @extend_schema(
        operation_id="list_incidents",
        parameters=[
            *(OpenApiParameter(name, str, description=text) for name, text in _FILTERS.items()),
            OpenApiParameter("cursor", str, description="From `next` or the Link header of the page before."),
            OpenApiParameter("limit", int, description="1 to 100; 50 without it."),
        ],
        responses={
            200: {
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
                    "next": {"type": ["string", "null"], "format": "uri"},
                },
            }
        },
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """`{"items": [document, ...], "next": URL or null}`."""
        given = arguments(request, {*_FILTERS, "cursor", "limit"})
        wanted = Wanted(
            q=given.get("q", ""),
            category=one_of(given, "category", category_codes()),
            kind=one_of(given, "kind", list(Kind)),
            severity=one_of(given, "severity", list(Severity)),
            evidence_grade=one_of(given, "evidence_grade", list(EvidenceGrade)),
            status=one_of(given, "status", list(Status)),
            hub=given.get("hub", ""),
            model=given.get("model", ""),
            alias=given.get("alias", ""),
        )
        etag = log.head().object_digest or "empty"
        try:
            page = search.find(wanted, after=given.get("cursor", ""), limit=page_size(given))
        except BadCursorError as error:
            raise Problem("bad-cursor", str(error)) from error
        following = link_to(request, {**given, "cursor": page.next}) if page.next else None
        documents = b",".join(bytes(incident.document) for incident in page.incidents)
        content = b'{"items":[' + documents + b'],"next":' + json.dumps(following).encode() + b"}"
        response = json_bytes(request, content, etag=etag)
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
        if incident is None and search.tombstone(public_id):
            raise Problem("erased", "This record was erased. The log says when and why.", status=410)
        if incident is None:
            raise Http404
        if incident.public_id != public_id:
            return redirect("api:incident", public_id=incident.public_id)
        response = json_bytes(request, bytes(incident.document), etag=incident.digest)
        if incident.superseded_by:
            successor = reverse("api:incident", args=[search.in_place_of(incident).public_id])
            response["Link"] = f'<{settings.BASE_URL}{successor}>; rel="successor-version"'
        return response
