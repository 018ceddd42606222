"""The same views of the list for programs, at the same address with a suffix: JSON, CSV, JSON Lines, and feeds."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from incidents import counting, feeds, listing
from incidents.exports import cells, live
from incidents.feeds import LICENCE, Feed
from incidents.listing import Order, Sort
from lib.cursors import BadCursorError
from website.public import answers, citing, list_views
from website.public.incident_list import PER_PAGE
from website.public.list_views import View, changed

IN_FEED = 50
_COME_BACK_SECONDS = "60"


@require_safe
def in_form(request: HttpRequest, form: str) -> HttpResponseBase:
    """The view that the same address without the suffix shows, in another form.

    JSON is the page that people see, with the address of the next; CSV, Parquet and JSON Lines are all records of the
    view, in the order of first publication; a feed has those that changed last; the metadata say what all of them are.
    """
    if form not in _FORMS:
        raise Http404
    leaving_out = ("density",) if form == "json" else ("density", "cursor", "sort", "order")
    try:
        view = list_views.read(request, leaving_out=leaving_out)
        if moved := answers.moved_to(request, view.pairs):
            return answers.for_everyone(moved)
        return answers.for_everyone(_FORMS[form](request, view))
    except list_views.BadViewError as error:
        return _refused(str(error))
    except BadCursorError as error:
        return _refused(f"{str(error).capitalize()}.")
    except live.BusyError as error:
        busy = HttpResponse(f"{error}\n", status=503, content_type="text/plain; charset=utf-8")
        busy["Retry-After"] = _COME_BACK_SECONDS
        return busy


def _refused(text: str) -> HttpResponse:
    """A problem document (RFC 9457), as the API's."""
    content = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": text}
    return _bytes(json.dumps(content).encode(), "application/problem+json", status=400)


def _bytes(content: bytes, content_type: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(content, status=status, content_type=content_type)


def _json(request: HttpRequest, view: View) -> HttpResponseBase:
    page = listing.find(view.wanted, number=view.number, order=view.order, after=view.cursor, limit=PER_PAGE)
    counts = counting.count(view.wanted, number=page.number, head=view.head.number)
    following = _absolute(request, changed(view.pairs, cursor=page.next)) if page.next else None
    cited = citing.cited(view)
    head = {
        "as_of": page.number,
        "object": cited.object_digest,
        "cite": cited.apa,
        "pinned": cited.url,
        "permalink": cited.permalink,
        "total": {"value": counts.total, "basis": counts.basis},
        "next": following,
    }
    begun = json.dumps(head, ensure_ascii=False).encode()[:-1]
    content = begun + b', "items": [' + b",".join(page.documents) + b"]}"
    return answers.cached(request, _bytes(content, "application/json"))


def _metadata(request: HttpRequest, view: View) -> HttpResponseBase:
    """What the other forms of the view are of, for whoever keeps them: its choice, state, citation and columns."""
    counts = counting.count(view.wanted, number=view.number, head=view.head.number)
    cited = citing.cited(view)
    asked = answers.query(view.pairs) if view.pairs else ""
    files = {form: settings.BASE_URL + reverse("files:incidents", args=[form]) + asked for form in _FORMS}
    content = {
        "title": cited.title,
        "filters": view.given,
        "as_of": view.number,
        "at": cited.at.isoformat() if cited.at else None,
        "object": cited.object_digest,
        "total": {"value": counts.total, "basis": counts.basis},
        "cite": cited.apa,
        "bibtex": cited.bibtex,
        "pinned": cited.url,
        "permalink": cited.permalink,
        "drifts": cited.drifts,
        "licence": LICENCE,
        "record_schema": settings.BASE_URL + reverse("api:record-schema"),
        "columns": cells.HEADER.decode().strip().split(","),
        "files": files,
        "read_first": settings.BASE_URL + reverse("website:about") + "#counts",
    }
    return answers.cached(request, _bytes(json.dumps(content, ensure_ascii=False).encode(), "application/json"))


def _everything(form: str, media_type: str, suffix: str) -> Callable[[HttpRequest, View], HttpResponseBase]:
    def answer(request: HttpRequest, view: View) -> HttpResponseBase:
        name = f'attachment; filename="incidents-{view.number}.{suffix}"'
        headers = {"Content-Disposition": name, "Faultline-As-Of": str(view.number)}
        if request.method == "HEAD":
            return HttpResponse(content_type=media_type, headers=headers)
        stream = live.Stream(view.wanted, form, view.number)
        response = StreamingHttpResponse(stream, content_type=media_type, headers=headers)
        response["Faultline-Records"] = str(stream.records)
        if stream.size is not None:
            response["Content-Length"] = str(stream.size)
        patch_cache_control(response, public=True, max_age=60)
        return response

    return answer


def _feed(
    media_type: str, write: Callable[[Feed, list[Mapping[str, Any]]], bytes]
) -> Callable[[HttpRequest, View], HttpResponseBase]:
    def answer(request: HttpRequest, view: View) -> HttpResponseBase:
        page = listing.find(view.wanted, number=view.number, order=Order(Sort.MODIFIED), limit=IN_FEED)
        feed = Feed(
            title=f"{settings.NODE_TITLE}: {citing.title_of(view)}",
            address=_absolute(request, view.pairs),
            page=settings.BASE_URL + reverse("website:incidents") + (answers.query(view.pairs) if view.pairs else ""),
            node=settings.BASE_URL,
            author=settings.NODE_TITLE,
        )
        content = write(feed, [json.loads(document) for document in page.documents])
        return answers.cached(request, _bytes(content, media_type))

    return answer


def _absolute(request: HttpRequest, pairs: answers.Pairs) -> str:
    return f"{settings.BASE_URL}{request.path}" + (answers.query(pairs) if pairs else "")


_FORMS: Mapping[str, Callable[[HttpRequest, View], HttpResponseBase]] = {
    "json": _json,
    "csv": _everything("csv", "text/csv; charset=utf-8; header=present", "csv"),
    "parquet": _everything("parquet", "application/vnd.apache.parquet", "parquet"),
    "metadata.json": _metadata,
    "ndjson": _everything("jsonl", "application/x-ndjson", "ndjson"),
    "atom": _feed(feeds.ATOM, feeds.atom),
    "feed.json": _feed(feeds.JSON_FEED, feeds.json_feed),
}
