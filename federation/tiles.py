"""Logs as static files: checkpoint, tiles, entry bundles (c2sp.org/tlog-tiles v0.1.0), and signed objects.

Nothing beyond the last checkpoint is served: what is cached for ever must never change.
"""

import gzip
import re
import struct

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers

from federation.served import ServedLog
from lib.canonical import digest
from lib.merkle import TILE_HEIGHT, TILE_WIDTH

_FOR_EVER = 365 * 24 * 3600
# An object can be erased: no cache may hold it much longer than that.
_OBJECT_SECONDS = 3600
_CHECKPOINT_SECONDS = 5
_OCTETS = "application/octet-stream"
_PLACE = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
# Most of what higher levels save costs more time than it takes to send.
_GZIP_LEVEL = 4
_MOST_LEVEL, _MOST_GROUPS = 7, 6
# Accepted, and not with a weight of nothing (RFC 9110, 12.5.3).
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


def checkpoint(request: HttpRequest, log: ServedLog) -> HttpResponseBase:
    """The last checkpoint: a signed note."""
    if not (note := log.note()):
        raise Http404
    return _answer(request, note.encode(), "text/plain; charset=utf-8", max_age=_CHECKPOINT_SECONDS)


def tile(request: HttpRequest, log: ServedLog, level: str, place: str) -> HttpResponseBase:
    """256 hashes of 32 bytes, or as many as the address says."""
    if not re.fullmatch(r"0|[1-9][0-9]?", level) or int(level) > _MOST_LEVEL:
        raise Http404
    number, width = _place(place)
    _require_covered(log, (number * TILE_WIDTH + width) << (TILE_HEIGHT * int(level)))
    content = log.tile(int(level), number, width)
    return _answer(request, content, _OCTETS, max_age=_FOR_EVER, immutable=True)


def entries(request: HttpRequest, log: ServedLog, place: str) -> HttpResponseBase:
    """The leaves under one tile of level 0, each after its length in two bytes, big-endian."""
    number, width = _place(place)
    first = number * TILE_WIDTH
    _require_covered(log, first + width)
    content = b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in log.leaves(first, width))
    return _answer(request, content, _OCTETS, max_age=_FOR_EVER, immutable=True, compress=True)


def objects(request: HttpRequest, log: ServedLog, place: str) -> HttpResponseBase:
    """The objects of the same entries, a line each; an erased one is an empty line."""
    number, width = _place(place)
    first = number * TILE_WIDTH
    _require_covered(log, first + width)
    content = b"".join((body or b"") + b"\n" for body in log.objects(first, width))
    return _answer(request, content, "application/x-ndjson", max_age=_OBJECT_SECONDS, compress=True)


def signed_object(request: HttpRequest, log: ServedLog, sha256: str) -> HttpResponseBase:
    """One object by the SHA-256 of its bytes; 410 once it is erased."""
    found = log.object(sha256)
    if found is None:
        raise Http404
    if not found:
        gone = HttpResponse("This object was erased.\n", status=410, content_type="text/plain; charset=utf-8")
        gone["Access-Control-Allow-Origin"] = "*"
        patch_cache_control(gone, public=True, max_age=_OBJECT_SECONDS)
        return gone
    return _answer(request, found, "application/jose+json", max_age=_OBJECT_SECONDS, compress=True)


def _place(text: str) -> tuple[int, int]:
    """A tile's number and width from its address; Http404 for any other spelling than the one it has."""
    match = _PLACE.fullmatch(text)
    groups = match[1].replace("x", "").split("/") if match else []
    width = int(match[2] or TILE_WIDTH) if match else 0
    is_full = not match or match[2] is None
    if not groups or len(groups) > _MOST_GROUPS or (len(groups) > 1 and groups[0] == "000"):
        raise Http404
    if width > TILE_WIDTH - (not is_full):
        raise Http404
    return int("".join(groups)), width


def _require_covered(log: ServedLog, size: int) -> None:
    if size > log.size():
        raise Http404


def _answer(
    request: HttpRequest, content: bytes, kind: str, *, max_age: int, immutable: bool = False, compress: bool = False
) -> HttpResponseBase:
    """The content, compressed where that is worth it and the caller takes it, or 304."""
    tag = f'"{digest(content)[:32]}"'
    if compress:
        tag, response = f"W/{tag}", _compressed(request, content, kind)
    else:
        response = HttpResponse(content, content_type=kind)
    response["ETag"] = tag
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    patch_cache_control(response, public=True, max_age=max_age, **({"immutable": True} if immutable else {}))
    return get_conditional_response(request, etag=tag, response=response) or response


def _compressed(request: HttpRequest, content: bytes, kind: str) -> HttpResponse:
    accepted = _GZIP.search(request.headers.get("Accept-Encoding", ""))
    response = HttpResponse(gzip.compress(content, _GZIP_LEVEL, mtime=0) if accepted else content, content_type=kind)
    if accepted:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response
