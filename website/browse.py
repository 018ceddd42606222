"""Pages of one record and of one model: the documents as people read them."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from incidents import search
from incidents.format import Published, formats, without_suffix
from incidents.model_records import published
from incidents.models import Incident
from incidents.public_models import (
    Pages,
    PublicModel,
    Relative,
    Use,
    describe,
    records_naming,
    resolve,
)
from incidents.this_node import this_node
from lib.keyset import BadCursorError
from website.charts import LineChart, line_chart
from website.public.answers import bad_request, page

# Of one model's relatives; what is more is counted, and stands in the API.
MOST_RELATIVES, MOST_GENERATIONS = 100, 10
RECORDS_PER_PAGE = 50


@require_safe
def incident_detail(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One record for people. An id of another database redirects to ours, a merged record to the one in its place."""
    incident = search.by_id(public_id)
    if incident is None:
        raise Http404
    if incident.public_id != public_id:
        return redirect("website:incident", public_id=incident.public_id, permanent=False)
    if incident.superseded_by:
        moved = redirect("website:incident", public_id=search.in_place_of(incident).public_id, permanent=True)
        # A merge can be taken back: nobody may remember the way for ever.
        patch_cache_control(moved, public=True, max_age=60)
        return moved
    context = {
        "record": _document(incident),
        "merged": search.merged_into(incident),
        "digest": incident.digest,
        "history": list(incident.publications.order_by("number")),
        "formats": list(formats().values()),
        "bibtex": formats()["bib"].one(Published(bytes(incident.document), this_node())).decode(),
    }
    return page(request, "website/incident.html", context)


@require_safe
def incident_in_format(_request: HttpRequest, address: str) -> HttpResponseBase:
    """An address with the suffix of a format leads to the record in it, one without a suffix to the page."""
    public_id, asked = without_suffix(address)
    return redirect("api:incident", public_id=address) if asked else redirect("website:incident", public_id=public_id)


@require_safe
def model_detail(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """A model that records in force name."""
    cursors = {name: request.GET.get(name, "") for name in ("cursor", "inherited")}
    model = resolve(hub, name)
    if model is None:
        raise Http404
    try:
        found = describe(model, Pages(cursors["cursor"], cursors["inherited"], RECORDS_PER_PAGE))
    except BadCursorError:
        return bad_request(request, "This link to a further page is broken. Start again from the page of the model.")
    if found.name != name:
        return redirect("website:model", hub=hub, name=found.name, permanent=False)
    documents = [_document(incident) for incident in found.incidents]
    dates = published(records_naming(model)) if found.drift else []
    context = {
        "model": found,
        "rows": [(document, _naming(document, found)) for document in documents],
        "inherited": [(_document(one.incident), one.base) for one in found.inherited],
        "next_url": _address(cursors, cursor=found.next) if found.next else "",
        "inherited_next_url": _address(cursors, inherited=found.inherited_next) if found.inherited_next else "",
        "is_first": not any(cursors.values()),
        "changes": [
            (at, list(noticed), [public_id for moment, public_id in dates if moment <= at])
            for at, noticed in groupby(found.drift, lambda row: row.noticed_at)
        ],
        "bases": _lineage(found.bases),
        "derivatives": _lineage(found.derivatives),
        "charts": _charts(found.use),
    }
    return page(request, "website/model.html", context)


def not_found(request: HttpRequest, _exception: Exception) -> HttpResponse:
    """The 404 page: the same for what never was and for what is not public."""
    return render(request, "website/404.html", status=404)


def _document(incident: Incident) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(incident.document))
    return document


def _address(given: dict[str, str], **changes: str) -> str:
    """The list's query with these changes; without what is empty, so that one view has one address."""
    return "?" + urlencode({name: value for name, value in {**given, **changes}.items() if value})


def _naming(document: dict[str, Any], model: PublicModel) -> list[dict[str, Any]]:
    """What a record says of the model: a record may also name it as not affected."""
    keys = {name.lower() for name in model.names}
    return [
        named
        for named in document["affected"]
        if named["hub"] == model.hub
        and (named["name"].lower() in keys or (model.stable_id and named["stable_id"] == model.stable_id))
    ]


def _lineage(relatives: Iterable[Relative]) -> dict[str, Any]:
    """Relatives as a tree by the ways to them, and how many of them it leaves out."""
    listed = sorted(relatives, key=lambda relative: len(relative.way))
    shown = [relative for relative in listed[:MOST_RELATIVES] if len(relative.relations) <= MOST_GENERATIONS]
    nodes: dict[tuple[str, ...], dict[str, Any]] = {}
    tree: list[dict[str, Any]] = []
    for relative in shown:
        for step, relation in enumerate(relative.relations, start=1):
            way = relative.way[: step + 1]
            if way not in nodes:
                nodes[way] = {"name": way[-1], "to": way[-2], "relation": relation, "records": 0, "further": []}
                (nodes[way[:-1]]["further"] if step > 1 else tree).append(nodes[way])
        nodes[relative.way]["records"] = relative.records
    return {"tree": tree, "left_out": len(listed) - len(shown)}


def _charts(use: Iterable[Use]) -> list[LineChart]:
    """What makes a line, of what the hub counts."""
    measures = {
        "Downloads in 30 days": [(one.week, one.downloads) for one in use if one.downloads is not None],
        "Likes": [(one.week, one.likes) for one in use if one.likes is not None],
    }
    return [chart for title, values in measures.items() if (chart := line_chart(title, values))]
