"""Organisations whose models records in force name, or derive from."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel
from rest_framework.views import APIView

from api.errors import RETRY_SECONDS, Problem
from api.hub_models import Counts, PublisherStatement, counts, statement
from api.model_lists import PAGING, ListedModelDocument, listed, paged
from api.reading import arguments, json_bytes, page_size
from incidents import organisations
from incidents.organisations import Organisation
from incidents.statistics import Cell, TooMuchWorkError
from lib.canonical import digest

_MEANING = (
    (
        "An organisation is the first part of a repository's name on its hub, as records write it. One that was "
        "renamed keeps the records that name it as it was called."
    ),
    "Records that call a model not affected do not count. Incidents are events of that kind, each once.",
    (
        "Counts are of what was reported and published here: they grow with how many models there are, how much they "
        "are used and how closely they are watched, and say nothing of how careful anybody is."
    ),
)


class ListedOrganisation(BaseModel):
    """An organisation, how many public models it has, and how many records concern one of them."""

    hub: str
    name: str
    address: str
    models: int
    counts: Counts


class OrganisationPage(BaseModel):
    """Organisations by hub and name."""

    items: list[ListedOrganisation]
    next: str | None


class Count(BaseModel):
    """Events and records under one value; null stands for what is not known."""

    value: str | None
    events: int
    records: int


class OrganisationDocument(BaseModel):
    """What is public of an organisation as of that entry of the log.

    `incidents` counts events, `records` the records on them; `by_kind` alone counts kinds that are no incidents, too.
    `models` are the first 100 by name, `models_next` the address of the rest, or null.
    """

    hub: str
    name: str
    log_number: int
    incidents: int
    records: int
    by_category: list[Count]
    by_severity: list[Count]
    by_year: list[Count]
    by_kind: list[Count]
    models: list[ListedModelDocument]
    models_next: str | None
    statements: list[PublisherStatement]
    meaning: list[str]


@extend_schema(tags=["organisations"])
class OrganisationList(APIView):
    """Organisations."""

    @extend_schema(
        operation_id="list_organisations",
        parameters=[OpenApiParameter("hub", str, description="For example huggingface."), *PAGING],
        responses={200: OrganisationPage},
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Each with its public models and the records on them, counted."""
        given = arguments(request, {"hub", "cursor", "limit"})
        page = organisations.find(hub=given.get("hub", ""), after=given.get("cursor", ""), limit=page_size(given))
        items = [
            ListedOrganisation(
                hub=one.hub,
                name=one.name,
                address=settings.BASE_URL + reverse("api:organisation", args=[one.hub, one.name]),
                models=one.models,
                counts=counts(one.counted),
            )
            for one in page.organisations
        ]
        return paged(request, given, [item.model_dump_json().encode() for item in items], page.next)


@extend_schema(tags=["organisations"])
class OrganisationDetail(APIView):
    """One organisation."""

    @extend_schema(operation_id="get_organisation", responses={200: OrganisationDocument})
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """Its models, how many incidents concern them and of what sort, and what publishers say in those records."""
        try:
            found = organisations.organisation(hub, name)
        except TooMuchWorkError as error:
            raise Problem("busy", "This takes too long to count now.", status=503, wait=RETRY_SECONDS) from error
        if found is None:
            raise Http404
        content = _document(found).model_dump_json().encode()
        return json_bytes(request, content, etag=digest(content))


def _document(found: Organisation) -> OrganisationDocument:
    by: Mapping[str, list[Count]] = {dimension: _counts(cells) for dimension, cells in found.by.items()}
    return OrganisationDocument(
        hub=found.hub,
        name=found.name,
        log_number=found.log_number,
        incidents=found.events,
        records=found.records,
        by_category=by["category"],
        by_severity=by["severity"],
        by_year=by["published_year"],
        by_kind=by["kind"],
        models=[listed(model) for model in found.models.models],
        models_next=_models_after(found),
        statements=[statement(said) for said in found.statements],
        meaning=list(_MEANING),
    )


def _counts(cells: Iterable[Cell]) -> list[Count]:
    return [Count(value=cell.values[0], events=cell.events, records=cell.records) for cell in cells]


def _models_after(found: Organisation) -> str | None:
    """The address of the models that are left out."""
    if not found.models.next:
        return None
    given = {"hub": found.hub, "organisation": f"{found.hub}/{found.name}", "cursor": found.models.next}
    return f"{settings.BASE_URL}{reverse('api:models')}?{urlencode(given)}"
