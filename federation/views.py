"""The addresses other nodes know us by."""

from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from federation import archive, cosignatures, notices
from federation.identity import node_document
from incidents import log, stored
from incidents.this_node import this_node
from lib import limits
from lib.canonical import digest
from lib.http_signatures import Message
from lib.limits import Budget, Limit
from lib.network import network_of
from lib.problems import KINDS, PREFIX
from lib.store import key

# Notices and cosignatures from one network: more than any honest log grows, and cheap to refuse.
_NOTICES = Limit(120, 60)
_DAY = 86_400


@require_safe
def well_known(_request: HttpRequest) -> JsonResponse:
    """The node document (RFC 8615 well-known URI)."""
    response = JsonResponse(node_document())
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, public=True, max_age=60)
    return response


@csrf_exempt
@require_POST
def notice(request: HttpRequest) -> HttpResponse:
    """A peer says that its log grew, signed (RFC 9421): 202, and its log is asked at once."""
    if refused := _refused(request, notices.MOST_BYTES):
        return refused
    message = Message("POST", request.build_absolute_uri(), dict(request.headers.items()))
    try:
        is_news = notices.take(message, request.body)
    except notices.BadNoticeError as error:
        return _problem("parse-error", f"This is no notice: {error}.")
    except notices.NotPeerError as error:
        return _problem("forbidden", f"This notice counts for nothing here: {error}.")
    return JsonResponse({"asked": is_news}, status=HTTPStatus.ACCEPTED)


@csrf_exempt
@require_POST
def cosignature(request: HttpRequest) -> HttpResponse:
    """A peer returns a checkpoint of ours with its cosignature: 200, and our checkpoint is served with it."""
    if refused := _refused(request, cosignatures.MOST_BYTES):
        return refused
    try:
        is_newer = cosignatures.take(request.body)
    except cosignatures.BadCosignatureError as error:
        return _problem("parse-error", f"This is no cosigned checkpoint: {error}.")
    except cosignatures.NotTakenError as error:
        return _problem("forbidden", f"This cosignature counts for nothing here: {error}.")
    return JsonResponse({"kept": is_newer})


def _refused(request: HttpRequest, most_bytes: int) -> HttpResponse | None:
    """The answer to a node that sends too often or too much."""
    network = network_of(request.META, proxies=settings.PROXIES)
    standing = limits.take([Budget(key("limit", "notice", limits.pseudonym(network)), _NOTICES)])
    if standing and standing.wait:
        return _problem(
            "throttled", "Too many messages from this network.", {"Retry-After": str(int(standing.wait) + 1)}
        )
    if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes:
        return _problem("too-large", f"This has at most {most_bytes} bytes.")
    return None


def _problem(kind: str, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """As RFC 9457 has it."""
    known = KINDS[kind]
    said = {"type": f"{PREFIX}{kind}", "title": known.title, "status": known.status, "detail": detail}
    return JsonResponse(said, status=known.status, content_type="application/problem+json", headers=headers)


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
