"""One published incident: the stored document, byte for byte."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from api.reading import json_bytes
from incidents import search
from incidents.record import Record


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
