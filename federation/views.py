"""The addresses other nodes know us by."""

from django.http import HttpRequest, JsonResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from federation.identity import node_document


@require_safe
def well_known(_request: HttpRequest) -> JsonResponse:
    """The node document (RFC 8615 well-known URI)."""
    response = JsonResponse(node_document())
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=60)
    return response
