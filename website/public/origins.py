"""Origins and peers: which nodes the records here were first published by, and where this node says who it is."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from federation.public_peers import public_peers, witnesses
from incidents import counting, log
from incidents.tokens import Dimension
from website.public import answers


@require_safe
def origins(request: HttpRequest) -> HttpResponseBase:
    """The nodes whose records stand here, whom this one follows, and who witnesses its log."""
    counted = counting.records_by_value(Dimension.ORIGIN)
    rows = sorted(counted.items(), key=lambda row: (row[0] != settings.NODE_NAME, -row[1], row[0]))
    peers = public_peers()
    context = {"rows": rows, "own_log": log.own_head(), "peers": peers, "witnesses": witnesses() if peers else 0}
    return answers.public_page(request, "website/origins.html", context)
