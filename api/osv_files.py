"""The layout of OSV's bucket: the whole collection as files, and each record by its own address."""

import json
from calendar import timegm

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from api.reading import json_bytes
from incidents import osv_files, search
from incidents.format import Published
from incidents.formats.osv import PREFIX, osv, public_id
from incidents.record import is_public_id
from incidents.this_node import this_node
from lib.canonical import digest

_TYPES = {"zip": "application/zip", "csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8"}
_RETRY_SECONDS = 60


@require_safe
def stored_file(request: HttpRequest, name: str, folder: str = "") -> HttpResponseBase:
    """A file as it was last made, streamed; its ETag is its SHA-256. 503 while a new node has not made it yet."""
    if folder and folder not in osv_files.FOLDERS:
        return _not_found()
    path = f"{folder}/{name}" if folder else name
    # A second time where a newer file has taken the place of the one just found.
    return _streamed(request, path) or _streamed(request, path) or _not_yet()


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


@require_safe
def one_record(request: HttpRequest, folder: str, identifier: str) -> HttpResponseBase:
    """A record as it stands, in the folder that it belongs to."""
    known = public_id(identifier)
    incident = search.by_id(known) if is_public_id(known) and identifier.startswith(PREFIX) else None
    if incident is None:
        return _not_found()
    published = Published(bytes(incident.document), this_node())
    if osv_files.folder_of(published) != folder:
        return _not_found()
    content = json.dumps(osv(published), ensure_ascii=False).encode()
    return json_bytes(request, content, etag=digest(content))


def _not_yet() -> HttpResponseBase:
    problem = {"code": 14, "message": "The file has not been made yet; ask again in a minute."}
    return JsonResponse(problem, status=503, headers={"Retry-After": str(_RETRY_SECONDS)})


def _not_found() -> HttpResponseBase:
    return JsonResponse({"code": 5, "message": "Not found."}, status=404)
