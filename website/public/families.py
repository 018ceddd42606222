"""Lineage families: a base model, what derives from it, and the records on all of them."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from incidents import counting, log, public_models
from incidents.filters import read_filters
from incidents.public_models import Relative
from website.public import answers
from website.public.trees import tree_of

_SHOWN = 200
_AS_LIST = 50


@require_safe
def family(request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
    """The family of a model: it, and the public models that derive from it, as a drawn tree and as a list."""
    model = public_models.resolve(hub, name)
    if model is None:
        raise Http404
    if model.name != name:
        return redirect("website:family", hub=hub, name=model.name, permanent=False)
    below = public_models.relatives(model, below=True)
    above = public_models.relatives(model, below=False)
    return answers.public_page(request, "website/family.html", _context(hub, model.name, below, above))


def _context(hub: str, name: str, below: list[Relative], above: list[Relative]) -> dict[str, Any]:
    head = log.head().number
    wanted = read_filters({"base_model": [name]})
    counts = counting.count(wanted, ["category"], number=head, head=head)
    most = sorted((one for one in below if one.records), key=lambda one: (-one.records, one.name))
    return {
        "hub": hub,
        "list_query": "?" + urlencode({"base_model": name}),
        "name": name,
        "below": below,
        "roots": [one for one in above if not any(one.name in other.way[:-1] for other in above)],
        "tree": tree_of(name, below[:_SHOWN]),
        "left_out": max(len(below) - _SHOWN, 0),
        "on_record": most[:_AS_LIST],
        "total": counts.total,
        "categories": counts.facets["category"].values,
    }
