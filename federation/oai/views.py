"""`/oai`: GET, or POST of the same arguments as a form (OAI-PMH 2.0, 3.1.1)."""

from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from federation.oai.answers import answer

MOST_BYTES, MOST_ARGUMENTS = 8000, 20


@csrf_exempt  # it changes nothing, and knows nobody
@require_http_methods(["GET", "HEAD", "POST"])
def oai(request: HttpRequest) -> HttpResponse:
    """The answer to one request of a harvester; errors of the protocol are answers, too (200)."""
    given = request.META.get("QUERY_STRING", "")
    if request.method == "POST":
        given = request.read(MOST_BYTES + 1).decode("utf-8", "replace")
    try:
        arguments = parse_qsl(given, keep_blank_values=True, max_num_fields=MOST_ARGUMENTS)
    except ValueError:
        arguments = []
    if len(given) > MOST_BYTES:
        arguments = []
    content = answer(arguments)
    response = HttpResponse(content, content_type="text/xml; charset=utf-8")
    # Two popular harvesters take what was cut off on the way for the whole.
    response["Content-Length"] = str(len(content))
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, no_cache=True, public=True)
    return response
