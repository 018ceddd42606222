"""The layout of OSV's bucket: the whole collection as files, and each record by its own address."""

import json
from calendar import timegm

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound

from api.osv_view import NotMadeYet, OsvView
from api.reading import json_bytes
from incidents import osv_files, search
from incidents.format import Published
from incidents.formats.osv import PREFIX, osv, public_id
from incidents.record import is_public_id
from incidents.this_node import this_node
from lib.canonical import digest

_TYPES = {"zip": "application/zip", "csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8"}
_ANSWERS = {
    (200, "application/zip"): OpenApiTypes.BINARY,
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "text/plain"): OpenApiTypes.STR,
    404: OpenApiResponse(OpenApiTypes.OBJECT, description="there is no such file"),
    503: OpenApiResponse(OpenApiTypes.OBJECT, description="a new node has not made it yet"),
}


@extend_schema(tags=["OSV"])
class StoredFile(OsvView):
    """Files of everything."""

    @extend_schema(operation_id="osv_file", responses=_ANSWERS)
    def get(self, request: HttpRequest, file: str) -> HttpResponseBase:
        """Every record, in the layout of OSV's bucket: `all.zip`, `modified_id.csv` (newest first) or `ecosystems.txt`.

        Made again soon after the log has grown; the ETag is the file's SHA-256.
        """
        return _file(request, file)


@extend_schema(tags=["OSV"])
class FolderFile(OsvView):
    """Files of one ecosystem."""

    @extend_schema(operation_id="osv_ecosystem_file", responses={**_ANSWERS, (200, "application/json"): dict})
    def get(self, request: HttpRequest, folder: str, file: str) -> HttpResponseBase:
        """As above for one ecosystem: `GIT`, or `[EMPTY]` for records on models of hubs that do not speak git.

        Or one record as it stands, `<id>.json`.
        """
        if folder not in osv_files.FOLDERS:
            raise NotFound("Not found.")
        identifier = file.removesuffix(".json")
        return _record(request, folder, identifier) if identifier != file else _file(request, f"{folder}/{file}")


def _file(request: HttpRequest, path: str) -> HttpResponseBase:
    if path not in osv_files.NAMES:
        raise NotFound("Not found.")
    # A second time where a newer file has taken the place of the one just found.
    answer = _streamed(request, path) or _streamed(request, path)
    if answer is None:
        raise NotMadeYet
    return answer


def _streamed(request: HttpRequest, path: str) -> HttpResponseBase | None:
    stored = osv_files.stored(path)
    if stored is None:
        return None
    changed, tag = timegm(stored.made.utctimetuple()), f'"{stored.sha256}"'
    headers = {"ETag": tag, "Last-Modified": http_date(changed), "Access-Control-Allow-Origin": "*"}
    known = HttpResponse(headers=headers)
    patch_cache_control(known, public=True, max_age=60)
    answer = get_conditional_response(request, etag=tag, last_modified=changed, response=known)
    if answer is not known:
        return answer
    try:
        opened = stored.path.open("rb")
    except FileNotFoundError:
        return None
    headers["Cache-Control"] = known["Cache-Control"]
    return FileResponse(opened, content_type=_TYPES[path.rpartition(".")[2]], headers=headers)


def _record(request: HttpRequest, folder: str, identifier: str) -> HttpResponseBase:
    known = public_id(identifier)
    incident = search.by_id(known) if is_public_id(known) and identifier.startswith(PREFIX) else None
    published = Published(bytes(incident.document), this_node()) if incident else None
    if published is None or osv_files.folder_of(published) != folder:
        raise NotFound("Not found.")
    content = json.dumps(osv(published), ensure_ascii=False).encode()
    return json_bytes(request, content, etag=digest(content))
