"""Bulk: the whole collection as stored files, and any part of it straight from the database."""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.http import http_date, parse_http_date_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.views import APIView

from api.errors import Problem
from api.incident_filters import PARAMETERS, read_wanted
from api.ranges import UnsatisfiableRangeError, coding_for, part_of
from api.reading import arguments, json_bytes
from incidents import log
from incidents.exports import live, stored
from incidents.exports.stored import CODINGS, Index, Opened, Sheet
from incidents.filters import MORE_FILTERS, Wanted

MEDIA_TYPES = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
}
_PACKED_TYPES = {"zstd": "application/zstd", "gzip": "application/gzip"}
_SUFFIXES = {"zstd": ".zst", "gzip": ".gz"}
_LICENCE = {"name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}
_COME_BACK_SECONDS = 60

_FILE = {
    "type": "object",
    "required": ["name", "url", "media_type", "holds", "format", "compression", "records", "size", "sha256"],
    "properties": {
        "name": {"type": "string"},
        "url": {"type": "string", "format": "uri"},
        "media_type": {"type": "string"},
        "holds": {"type": "string", "enum": ["incidents", "withdrawn"]},
        "format": {"type": "string", "enum": list(MEDIA_TYPES)},
        "compression": {"type": ["string", "null"], "enum": [*CODINGS, None]},
        "records": {"type": "integer"},
        "size": {"type": "integer", "description": "Bytes."},
        "sha256": {"type": "string"},
        "log_number": {"type": "integer", "description": "The state as of this number of what became public here."},
        "made": {"type": "string", "format": "date-time"},
    },
}
_MANIFEST = {
    "type": "object",
    "required": ["log", "licence", "files"],
    "properties": {
        "log": {"type": "object", "properties": {"number": {"type": "integer"}, "object": {"type": "string"}}},
        "licence": {"type": "object", "properties": {"name": {"type": "string"}, "url": {"type": "string"}}},
        "files": {"type": "array", "items": _FILE},
    },
}
_RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range of bytes, to resume.")
_IF_RANGE = OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="The ETag of what you have of it.")


class AnyMediaType(BaseContentNegotiation):
    """The address says which format is meant, whatever a caller accepts."""

    def select_parser(self, _request: HttpRequest, parsers: Any) -> Any:
        """The first."""
        return parsers[0]

    def select_renderer(self, _request: HttpRequest, renderers: Any, _format_suffix: str | None = None) -> Any:
        """The first, for errors."""
        return renderers[0], renderers[0].media_type


class _Named(BaseRenderer):
    """Names a media type that the list can be asked for; what answers is a stream of bytes."""

    charset = None

    def render(self, data: Any, *_args: Any, **_more: Any) -> bytes:
        """A problem, where the export was refused."""
        return JSONRenderer().render(data)


def _renderer(form: str) -> type[BaseRenderer]:
    return type(form, (_Named,), {"media_type": MEDIA_TYPES[form].partition(";")[0], "format": form})


RENDERERS = tuple(_renderer(form) for form in MEDIA_TYPES)


@extend_schema(tags=["exports"])
class ExportList(APIView):
    """Which files there are."""

    @extend_schema(operation_id="list_exports", responses={200: _MANIFEST})
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The stored files of the whole collection, with sizes, SHA-256, and the entry of the log they stand at.

        `incidents` are the records in force; `withdrawn` lists those that were withdrawn or merged since they were
        published. For what came later see `/api/v1/changes?after=` that number.
        """
        arguments(request, set())
        index = stored.read_index()
        content = JsonResponse(_manifest(index)).content
        return json_bytes(request, content, etag=_state(index))


@extend_schema(tags=["exports"])
class Export(APIView):
    """One file."""

    content_negotiation_class = AnyMediaType

    @extend_schema(
        operation_id="get_export",
        parameters=[_RANGE, _IF_RANGE],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You have it."),
            416: OpenApiResponse(description="problem+json: the range begins after the end"),
            503: OpenApiResponse(description="problem+json: not made yet"),
        },
    )
    def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """The stored file. `incidents.jsonl` comes in the content coding you accept (zstd, gzip), uncompressed without.

        `incidents.jsonl.zst` and `incidents.jsonl.gz` are the compressed bytes as files; likewise `incidents.csv` and
        `withdrawn.jsonl`. `incidents.parquet` is compressed by itself. Answers carry an ETag and a Repr-Digest
        (RFC 9530), and serve ranges.
        """
        arguments(request, set())
        sheet, coding, packed = _found(request, name)
        opened = _opened(name, sheet, coding)
        response = _representation(request, opened, sheet)
        response["Content-Type"] = _PACKED_TYPES[coding] if packed else MEDIA_TYPES[_format(name)]
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        if not packed and _is_packed(sheet):
            patch_vary_headers(response, ["Accept-Encoding"])
            if coding and response.status_code in {200, 206}:
                response["Content-Encoding"] = coding
        return response


class _LiveExport(APIView):
    content_negotiation_class = AnyMediaType
    form = ""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Every incident that the filters of `/api/v1/incidents` choose, as it stands now, in one answer.

        In the order of first publication. Compare what you have with the number of records in `Faultline-Records`: an
        answer that broke off is to be taken again. JSON Lines also have a Content-Length, and Parquet cannot be read.
        For the whole collection the stored files at `/api/v1/exports` are quicker, and can be resumed.
        """
        _, wanted = read_wanted(request)
        return exported(request, wanted, self.form)


def _described(form: str) -> Any:
    """What OpenAPI says of a live export."""
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"export_incidents_{form}",
            tags=["exports"],
            parameters=PARAMETERS,
            responses={
                (200, MEDIA_TYPES[form]): OpenApiTypes.BINARY,
                503: OpenApiResponse(description="problem+json: as many as this node serves at once are under way"),
            },
        )
    )


@_described("jsonl")
class JsonLinesExport(_LiveExport):
    """One document a line, byte for byte as it was published."""

    form = "jsonl"


@_described("csv")
class CsvExport(_LiveExport):
    """One row an incident, safe to open in a spreadsheet."""

    form = "csv"


@_described("parquet")
class ParquetExport(_LiveExport):
    """Typed columns."""

    form = "parquet"


def form_accepted(request: HttpRequest) -> str | None:
    """Which of the formats of exports a list was asked for by Accept; None for the list itself."""
    renderer = getattr(request, "accepted_renderer", None)
    return renderer.format if renderer and renderer.format in MEDIA_TYPES else None


def negotiated(request: HttpRequest, given: Mapping[str, str], wanted: Wanted, form: str) -> HttpResponseBase:
    """A list's answer to somebody who accepts one of the media types of exports. Raises Problem."""
    if extra := given.keys() - MORE_FILTERS.keys():
        raise Problem("bad-argument", f"{' and '.join(sorted(extra))}: an answer of this media type is never in pages.")
    return exported(request, wanted, form)


def exported(request: HttpRequest, wanted: Wanted, form: str) -> HttpResponseBase:
    """The answer with every incident wanted, in that format. Raises Problem."""
    # What the catalogue learns is no entry of the log.
    etag = "" if wanted.depends_on_catalogue else f'"{log.head().tag}-{form}"'
    unchanged = get_conditional_response(request, etag=etag) if etag else None
    if unchanged is not None:
        return _readable_anywhere(unchanged)
    if request.method == "HEAD":
        return _as_attachment(HttpResponse(), form, etag)
    try:
        stream = live.Stream(wanted, form)
    except live.BusyError as error:
        raise Problem("busy", str(error), status=503, wait=_COME_BACK_SECONDS) from error
    response = StreamingHttpResponse(stream)
    response["Faultline-Records"] = str(stream.records)
    if stream.size is not None:
        response["Content-Length"] = str(stream.size)
    return _as_attachment(response, form, etag)


def _as_attachment(response: HttpResponseBase, form: str, etag: str) -> HttpResponseBase:
    response["Content-Type"] = MEDIA_TYPES[form]
    response["Content-Disposition"] = f'attachment; filename="incidents.{form}"'
    if etag:
        response["ETag"] = etag
    return _readable_anywhere(response)


# --- Stored files -------------------------------------------------------------------------------------------
def _manifest(index: Index | None) -> dict[str, Any]:
    where = {"number": index.log_number, "object": index.log_object} if index else {"number": 0, "object": ""}
    sheets = index.sheets.items() if index else ()
    return {
        "log": where,
        "licence": _LICENCE,
        "files": [file for name, sheet in sheets for file in _entries(name, sheet)],
    }


def _entries(name: str, sheet: Sheet) -> Iterator[dict[str, Any]]:
    holds, _, form = name.partition(".")
    for coding in ("", *CODINGS) if _is_packed(sheet) else ("",):
        file = sheet.files.get(coding)
        full = f"{name}{_SUFFIXES.get(coding, '')}"
        yield {
            "name": full,
            "url": settings.BASE_URL + reverse("api:export", args=[full]),
            "media_type": _PACKED_TYPES.get(coding, MEDIA_TYPES[form]),
            "holds": holds,
            "format": form,
            "compression": coding or None,
            "records": sheet.records,
            "size": file.size if file else sheet.size,
            "sha256": file.sha256 if file else sheet.sha256,
            "log_number": sheet.log_number,
            "made": sheet.at,
        }


def _found(request: HttpRequest, name: str) -> tuple[Sheet, str, bool]:
    """The sheet of that name, its coding, and whether the name itself asks for the compressed file."""
    index = stored.read_index()
    if index is None:
        raise Problem("not-made-yet", "The exports are being made.", status=503, wait=_COME_BACK_SECONDS)
    if sheet := index.sheets.get(name):
        accepted = request.headers.get("Accept-Encoding", "")
        return sheet, coding_for(accepted, CODINGS) if _is_packed(sheet) else "", False
    for coding, suffix in _SUFFIXES.items():
        sheet = index.sheets.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if sheet and coding in sheet.files:
            return sheet, coding, True
    raise Http404


def _opened(name: str, sheet: Sheet, coding: str) -> Opened:
    try:
        return stored.open_sheet(sheet, coding)
    except FileNotFoundError as error:  # replaced between two lines of ours
        raise Problem("not-made-yet", f"{name} is being replaced.", status=503, wait=1) from error


def _representation(request: HttpRequest, opened: Opened, sheet: Sheet) -> HttpResponseBase:
    etag, modified = f'"{opened.sha256}"', int(datetime.fromisoformat(sheet.at).timestamp())
    unchanged = get_conditional_response(request, etag=etag, last_modified=modified)
    if unchanged is not None:
        opened.close()
        response: HttpResponseBase = unchanged
    else:
        response = _bytes(request, opened, _part(request, opened, etag, modified))
    response["ETag"], response["Last-Modified"] = etag, http_date(modified)
    response["Accept-Ranges"] = "bytes"
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(opened.sha256)).decode()}:"
    return _readable_anywhere(response)


def _part(request: HttpRequest, opened: Opened, etag: str, modified: int) -> tuple[int, int] | None:
    header = request.headers.get("Range", "")
    if request.method != "GET" or not header or not _still_the_same(request.headers.get("If-Range"), etag, modified):
        return None
    try:
        return part_of(header, opened.size)
    except UnsatisfiableRangeError as error:
        opened.close()
        headers = {"Content-Range": f"bytes */{opened.size}"}
        raise Problem("unsatisfiable-range", f"There are {opened.size} bytes.", status=416, headers=headers) from error


def _still_the_same(if_range: str | None, etag: str, modified: int) -> bool:
    """RFC 9110, 13.1.5: the tag must be strong, the date exactly ours."""
    if if_range is None:
        return True
    return if_range.strip() == etag or parse_http_date_safe(if_range) == modified


def _bytes(request: HttpRequest, opened: Opened, part: tuple[int, int] | None) -> HttpResponseBase:
    start, stop = part or (0, opened.size)
    if request.method == "HEAD":
        opened.close()
        response: HttpResponseBase = HttpResponse()
    else:
        response = StreamingHttpResponse(_Closing(opened.part(start, stop), opened), status=206 if part else 200)
    response["Content-Length"] = str(stop - start)
    if part:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{opened.size}"
    return response


class _Closing:
    """Chunks, and the file they come from, which is let go with them."""

    def __init__(self, chunks: Iterator[bytes], opened: Opened) -> None:
        self._chunks, self.close = chunks, opened.close

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


def _readable_anywhere(response: HttpResponseBase) -> HttpResponseBase:
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Content-Range, ETag, Faultline-Records, Repr-Digest"
    patch_cache_control(response, public=True, max_age=60)
    return response


def _state(index: Index | None) -> str:
    return f"{index.log_object or 'empty'}-{index.sheets['incidents.parquet'].log_number}" if index else "none"


def _is_packed(sheet: Sheet) -> bool:
    return "zstd" in sheet.files


def _format(name: str) -> str:
    return name.split(".")[1]
