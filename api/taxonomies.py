"""The taxonomies and the JSON Schema of the record."""

import json

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView

from api.reading import json_bytes
from incidents.record import json_schema
from incidents.taxonomy import Taxonomy, taxonomies
from lib.canonical import digest


@extend_schema(tags=["vocabulary"])
class TaxonomyList(APIView):
    """Every taxonomy."""

    @extend_schema(operation_id="list_taxonomies", responses={200: {"type": "object"}})
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """`{"items": [{"id", "title", "version", "url", "licence", "complete"}]}`."""
        items = [taxonomy.model_dump(exclude={"terms"}) for taxonomy in taxonomies().values()]
        content = json.dumps({"items": items}, ensure_ascii=False).encode()
        return json_bytes(request, content, etag=digest(content))


@extend_schema(tags=["vocabulary"])
class TaxonomyDetail(APIView):
    """One taxonomy with its terms."""

    @extend_schema(operation_id="get_taxonomy", responses={200: Taxonomy})
    def get(self, request: HttpRequest, taxonomy: str) -> HttpResponseBase:
        """Terms with definition, example and crosswalk."""
        found = taxonomies().get(taxonomy)
        if found is None:
            raise Http404
        content = found.model_dump_json().encode()
        return json_bytes(request, content, etag=digest(content))


@extend_schema(tags=["vocabulary"])
class RecordSchema(APIView):
    """What a record looks like."""

    @extend_schema(operation_id="get_record_schema", responses={(200, "application/schema+json"): {"type": "object"}})
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The JSON Schema (draft 2020-12) every published document validates against."""
        content = json.dumps(json_schema()).encode()
        return json_bytes(request, content, etag=digest(content), content_type="application/schema+json")
