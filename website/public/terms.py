"""Taxonomies, and a page for each term: what it means, what is near it elsewhere, and the records under it."""

import json
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from incidents import listing, log, term_counts
from incidents.filters import read_filters
from incidents.listing import Page
from incidents.taxonomy import OWN, Taxonomy, Term, taxonomies
from website.public import answers

_LATEST = 10


@require_safe
def taxonomy_list(request: HttpRequest) -> HttpResponseBase:
    """Every taxonomy, and how many records have a term of it."""
    counts = term_counts.count()
    rows = [(one, counts.in_taxonomy.get(one.id, 0)) for one in _own_first()]
    return answers.public_page(request, "website/taxonomies.html", {"rows": rows})


@require_safe
def taxonomy(request: HttpRequest, taxonomy: str) -> HttpResponseBase:
    """The terms of one taxonomy as a list of two levels, with how many records stand under each."""
    found = _known(taxonomy)
    counts = term_counts.count()
    tree = [
        (term, counts.of(found.id, term.code), [(one, counts.of(found.id, one.code)) for one in below])
        for term, below in found.tree()
    ]
    return answers.public_page(request, "website/taxonomy.html", {"taxonomy": found, "tree": tree})


@require_safe
def term(request: HttpRequest, taxonomy: str, code: str) -> HttpResponseBase:
    """One term. What taxonomies call near is no equation."""
    found = _known(taxonomy)
    one = found.term(code)
    if one is None:
        raise Http404
    counts = term_counts.count()
    page = _records(found.id, code)
    context = {
        "taxonomy": found,
        "term": one,
        "parent": found.term(one.parent) if one.parent else None,
        "children": [(child, counts.of(found.id, child.code)) for child in found.terms if child.parent == code],
        "count": counts.of(found.id, code),
        "near": _near(found.id, one),
        "latest": [json.loads(document) for document in page.documents],
        "list_query": "?" + urlencode({"category": code} if found.id == OWN else {"term": f"{found.id}:{code}"}),
    }
    return answers.public_page(request, "website/term.html", context)


def _own_first() -> list[Taxonomy]:
    return sorted(taxonomies().values(), key=lambda one: (one.id != OWN, one.title))


def _known(taxonomy: str) -> Taxonomy:
    found = taxonomies().get(taxonomy)
    if found is None:
        raise Http404
    return found


def _records(taxonomy: str, code: str) -> Page:
    """The newest records with the term itself; a category stands for those below it too."""
    return listing.find(read_filters({"term": [f"{taxonomy}:{code}"]}), number=log.head().number, limit=_LATEST)


def _near(taxonomy: str, one: Term) -> list[tuple[Taxonomy, Term]]:
    """The terms elsewhere that it names as near, and those that name it."""
    keys = {(other, code) for other, codes in one.crosswalk.items() for code in codes}
    keys |= set(term_counts.crosswalk_to(taxonomy, one.code))
    found = [(known, known.term(code)) for other, code in sorted(keys) if (known := taxonomies().get(other))]
    return [(known, term) for known, term in found if term is not None]
