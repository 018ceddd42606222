"""The addresses other nodes know us by."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from federation import archive
from federation.identity import node_document
from incidents import log, stored
from incidents.this_node import this_node
from lib.canonical import digest

_DAY = 86_400


@require_safe
def well_known(_request: HttpRequest) -> JsonResponse:
    """The node document (RFC 8615 well-known URI)."""
    response = JsonResponse(node_document())
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=60)
    return response


@require_safe
def archive_feed(request: HttpRequest) -> HttpResponseBase:
    """The newest page of the log as Atom; it leads to those before it."""
    head = log.head()
    page = archive.newest_page(head.number)
    return _page(request, page, is_archive=False, seconds=60)


@require_safe
def archive_page(request: HttpRequest, page: int) -> HttpResponseBase:
    """A full page of the log as Atom, which never changes."""
    if not 1 <= page * archive.PER_PAGE <= log.head().number:
        raise Http404
    return _page(request, page, is_archive=True, seconds=_DAY)


def _page(request: HttpRequest, page: int, *, is_archive: bool, seconds: int) -> HttpResponseBase:
    # Entries about keys are no publications: a page may hold fewer than its numbers.
    last = page * archive.PER_PAGE
    entries = [one for one in stored.entries_after(last - archive.PER_PAGE, archive.PER_PAGE) if one.number <= last]
    content = archive.feed(this_node(), entries, page=page, is_archive=is_archive)
    tag = f'"{digest(content)}"'
    response = HttpResponse(content, content_type="application/atom+xml", headers={"ETag": tag})
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=seconds)
    return get_conditional_response(request, etag=tag, response=response) or response
