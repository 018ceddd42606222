"""The addresses of logs, this node's and those it mirrors; docs/federation.md promises them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, re_path
from django.views.decorators.http import require_safe

from federation import tiles
from federation.served import OwnLog, ServedLog, log_of
from lib.canonical import digest

_View = Callable[..., HttpResponseBase]


def _own() -> ServedLog:
    return OwnLog()


def _mirrored(origin: str) -> ServedLog:
    if origin == digest(settings.LOG_ORIGIN.encode()):
        return OwnLog()
    if (found := log_of(origin)) is None:
        raise Http404
    return found


def _files(find: Callable[..., ServedLog], prefix: str = "") -> list[URLPattern]:
    """The files of one log; what stands in `prefix` says of which."""

    def of_log(answer: _View) -> _View:
        @require_safe
        def view(request: HttpRequest, **named: Any) -> HttpResponseBase:
            which = {name: named.pop(name) for name in ("origin",) if name in named}
            return answer(request, find(**which), **named)

        return view

    return [
        re_path(rf"^{prefix}checkpoint$", of_log(tiles.checkpoint), name="checkpoint"),
        re_path(rf"^{prefix}tile/entries/(?P<place>.+)$", of_log(tiles.entries), name="entries"),
        re_path(rf"^{prefix}tile/(?P<level>[^/]+)/(?P<place>.+)$", of_log(tiles.tile), name="tile"),
        re_path(rf"^{prefix}object/(?P<sha256>[0-9a-f]{{64}})$", of_log(tiles.signed_object), name="object"),
        re_path(rf"^{prefix}objects/(?P<place>.+)$", of_log(tiles.objects), name="objects"),
    ]


log_urls = (_files(_own), "log")
mirror_urls = (_files(_mirrored, "(?P<origin>[0-9a-f]{64})/"), "mirror")
