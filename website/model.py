"""The page of one model: what is on record about it and about its bases, and what its hub says of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from incidents.badges import tally
from incidents.model_records import published
from incidents.models import Incident
from incidents.public_models import Pages, PublicModel, Relative, Use, describe, records_naming, resolve
from lib.cursors import BadCursorError
from website import badge
from website.charts import LineChart, line_chart
from website.lineage_drawing import drawing
from website.public.answers import bad_request, public_page

# Of one model's relatives; what is more is counted, and stands in the API.
MOST_RELATIVES, MOST_GENERATIONS = 100, 10
RECORDS_PER_PAGE = 50
MOST_MARKS = 30


@require_safe
def page(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """A model that records in force name."""
    cursors = {name: request.GET.get(name, "") for name in ("cursor", "inherited")}
    model = resolve(hub, name)
    if model is None:
        raise Http404
    try:
        found = describe(model, Pages(cursors["cursor"], cursors["inherited"], RECORDS_PER_PAGE))
    except BadCursorError:
        return bad_request(
            request, gettext("This link to a further page is broken. Start again from the page of the model.")
        )
    if found.name != name:
        return redirect("website:model", hub=hub, name=found.name, permanent=False)
    documents = [_document(incident) for incident in found.incidents]
    dates = published(records_naming(model)) if found.drift or found.use else []
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
        "charts": [(chart, _marks(chart, dates)) for chart in _charts(found.use)],
        "drawing": drawing(found.name, found.direct.records, found.bases, found.derivatives),
        "badge_words": badge.words(tally(model)),
    }
    return public_page(request, "website/model.html", context)


def _document(incident: Incident) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(incident.document))
    return document


def _address(given: dict[str, str], **changes: str) -> str:
    """The page's query with these changes; without what is empty, so that one view has one address."""
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


@dataclass(frozen=True)
class Mark:
    """Where on a chart a record, or several on one day, were published: pixels from the left."""

    x: float
    day: date
    records: tuple[str, ...]


def _marks(chart: LineChart, dates: Iterable[tuple[datetime, str]]) -> list[Mark]:
    """The days on which records were published, oldest first, that are within the chart; at most MOST_MARKS."""
    first, last = chart.first[0], chart.last[0]
    by_day: dict[date, list[str]] = {}
    for moment, public_id in dates:
        by_day.setdefault(moment.date(), []).append(public_id)
    within = [(day, records) for day, records in sorted(by_day.items()) if first <= day <= last]
    return [
        Mark(round((day - first).days * chart.width / (last - first).days, 1), day, tuple(records))
        for day, records in within[-MOST_MARKS:]
    ]


def _charts(use: Iterable[Use]) -> list[LineChart]:
    """What makes a line, of what the hub counts."""
    measures = {
        gettext("Downloads in 30 days"): [(one.week, one.downloads) for one in use if one.downloads is not None],
        gettext("Likes"): [(one.week, one.likes) for one in use if one.likes is not None],
    }
    return [chart for title, values in measures.items() if (chart := line_chart(title, values))]
