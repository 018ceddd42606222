"""The taxonomies, how many records stand under each term, and the JSON Schema of the record."""

import json

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.views import APIView

from api.reading import json_bytes
from incidents import term_counts
from incidents.record import json_schema
from incidents.taxonomy import Taxonomy, Term, taxonomies
from incidents.term_counts import TermCounts
from lib.canonical import digest


class TaxonomySummary(BaseModel):
    """A taxonomy without its terms; `complete` is false where only the terms that we refer to are listed."""

    id: str
    title: str
    version: str
    url: str
    licence: str
    complete: bool
    terms: int
    records: int


class TaxonomyItems(BaseModel):
    """Every taxonomy; `records` counts those in force that have a term of it, as of that entry of the log."""

    items: list[TaxonomySummary]
    log_number: int


class Number(BaseModel):
    """Counted under the term itself, and under it or any term below; whatever stands under several counts once."""

    direct: int
    with_descendants: int


class Elsewhere(BaseModel):
    """A term of another taxonomy."""

    taxonomy: str
    code: str
    title: str
    address: str


class TermDocument(BaseModel):
    """One term. `crosswalk` are the nearest terms elsewhere, whichever of the two taxonomies says so.

    `records` are those in force, of every kind; `incidents` the events among them that are incidents.
    """

    code: str
    title: str
    parent: str
    children: list[str]
    definition: str
    example: str
    address: str
    crosswalk: list[Elsewhere]
    records: Number
    incidents: Number


class OneTerm(BaseModel):
    """A term of a taxonomy, as of that entry of the log."""

    taxonomy: str
    log_number: int
    term: TermDocument


class TaxonomyDocument(BaseModel):
    """A published list of terms, as of that entry of the log."""

    id: str
    title: str
    version: str
    url: str
    licence: str
    complete: bool
    log_number: int
    terms: list[TermDocument]


@extend_schema(tags=["vocabulary"])
class TaxonomyList(APIView):
    """Every taxonomy."""

    @extend_schema(operation_id="list_taxonomies", responses={200: TaxonomyItems})
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Without their terms."""
        counts = term_counts.count()
        items = [
            TaxonomySummary(
                **taxonomy.model_dump(exclude={"terms"}),
                terms=len(taxonomy.terms),
                records=counts.in_taxonomy.get(taxonomy.id, 0),
            )
            for taxonomy in taxonomies().values()
        ]
        return _json(request, TaxonomyItems(items=items, log_number=counts.log_number))


@extend_schema(tags=["vocabulary"])
class TaxonomyDetail(APIView):
    """One taxonomy with its terms."""

    @extend_schema(operation_id="get_taxonomy", responses={200: TaxonomyDocument})
    def get(self, request: HttpRequest, taxonomy: str) -> HttpResponseBase:
        """Terms with definition, example, crosswalk and counts."""
        found = _known(taxonomy)
        counts = term_counts.count()
        terms = [_term(found, term, counts) for term in found.terms]
        whole = found.model_dump(exclude={"terms"})
        return _json(request, TaxonomyDocument(**whole, log_number=counts.log_number, terms=terms))


@extend_schema(tags=["vocabulary"])
class TermDetail(APIView):
    """One term."""

    @extend_schema(operation_id="get_term", responses={200: OneTerm})
    def get(self, request: HttpRequest, taxonomy: str, code: str) -> HttpResponseBase:
        """With definition, example, crosswalk and counts."""
        found = _known(taxonomy)
        term = found.term(code)
        if term is None:
            raise Http404
        counts = term_counts.count()
        document = OneTerm(taxonomy=taxonomy, log_number=counts.log_number, term=_term(found, term, counts))
        return _json(request, document)


@extend_schema(tags=["vocabulary"])
class RecordSchema(APIView):
    """What a record looks like."""

    @extend_schema(operation_id="get_record_schema", responses={(200, "application/schema+json"): {"type": "object"}})
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The JSON Schema (draft 2020-12) every published document validates against."""
        content = json.dumps(json_schema()).encode()
        return json_bytes(request, content, etag=digest(content), content_type="application/schema+json")


def _known(taxonomy: str) -> Taxonomy:
    found = taxonomies().get(taxonomy)
    if found is None:
        raise Http404
    return found


def _term(taxonomy: Taxonomy, term: Term, counts: TermCounts) -> TermDocument:
    counted = counts.of(taxonomy.id, term.code)
    return TermDocument(
        **term.model_dump(exclude={"crosswalk"}),
        children=[other.code for other in taxonomy.terms if other.parent == term.code],
        address=_address(taxonomy.id, term.code),
        crosswalk=_crosswalk(taxonomy, term),
        records=Number(direct=counted.records, with_descendants=counted.records_below),
        incidents=Number(direct=counted.incidents, with_descendants=counted.incidents_below),
    )


def _crosswalk(taxonomy: Taxonomy, term: Term) -> list[Elsewhere]:
    """What the term names elsewhere, and what names it."""
    named = [(other, code) for other, codes in term.crosswalk.items() for code in codes]
    pairs = dict.fromkeys([*named, *term_counts.crosswalk_to(taxonomy.id, term.code)])
    return [
        Elsewhere(taxonomy=other, code=code, title=found.title, address=_address(other, code))
        for other, code in pairs
        if other in taxonomies() and (found := taxonomies()[other].term(code))
    ]


def _address(taxonomy: str, code: str) -> str:
    return f"{settings.BASE_URL}{reverse('api:term', args=[taxonomy, code])}"


def _json(request: HttpRequest, document: BaseModel) -> HttpResponseBase:
    content = document.model_dump_json().encode()
    return json_bytes(request, content, etag=digest(content))
