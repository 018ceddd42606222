"""Models that records in force name: identity, what the hub said last, and the records."""

from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.views import APIView

from api.reading import json_bytes
from catalogue.models import Drift, Model, Snapshot
from incidents.concerned import Counted
from incidents.public_models import Pages, PublicModel, Relative, Said, describe, nearest, resolve
from incidents.publishing import instant
from incidents.record import Record, RevisionStatus
from lib.canonical import digest

MOST_RELATIVES = 100


class HubFile(BaseModel):
    """One file of the repository; size in bytes."""

    path: str
    size: int | None
    sha256: str | None


class BaseModelClaim(BaseModel):
    """A base the publisher says the model derives from."""

    name: str
    relation: str


class HubFacts(BaseModel):
    """What the hub last said of the default branch; downloads are those of the 30 days before.

    `files_complete` is false where the hub cut its listing, or the listing was too long to be taken in.
    """

    taken_at: str
    revision: str
    author: str
    licence: str
    gated: str
    disabled: bool
    pipeline: str
    library: str
    downloads: int | None
    likes: int | None
    tags: list[str]
    base_models: list[BaseModelClaim]
    files: list[HubFile]
    files_complete: bool


class Change(BaseModel):
    """A change noticed on the hub, for example weights_replaced."""

    change: str
    noticed: str
    before: str
    after: str


class Use(BaseModel):
    """The last count in the week from Monday `week` on; downloads are those of the 30 days before."""

    week: str
    downloads: int | None
    likes: int | None


class Relation(BaseModel):
    """A base or a derivative; `way` names the models from this one to it, `relations` what joins them."""

    name: str
    way: list[str]
    relations: list[str]
    records: int


class InheritedRecord(BaseModel):
    """A record on a base, which may concern this model too."""

    id: str
    title: str
    base: Relation


class Counts(BaseModel):
    """How many records in force concern the model, and how many of them are of the kind incident."""

    records: int
    incidents: int


class PublisherStatement(BaseModel):
    """What a publisher says in a record that names the model; `statuses` are those about this model."""

    record: str
    by: str
    at: str
    text: str
    statuses: list[RevisionStatus]


class ModelDocument(BaseModel):
    """A model as the public sees it; `incidents` are whole records, the newest 100 of `total`.

    `direct` counts the records that concern it, `inherited_counts` those on its bases that do not name it; `inherited`
    are the newest 50 of them. `bases` and `derivatives` are the nearest 100 of `bases_total` and `derivatives_total`;
    all of these go on, page by page, under /incidents, /lineage, /snapshots and /drift below this address.

    `hub_answer` is how the hub last answered: ok, gated, not_found_or_private, ...; "" before the first answer.
    `file_safety` is what was found in the files; that nothing was found does not mean that there is nothing.
    `inspected_at` is null, and `inspected_revision` "", where that was before the first record. `use` is by week since
    the first record, oldest first.
    """

    hub: str
    name: str
    names: list[str]
    stable_id: str
    purl: str
    url: str
    affected_revisions: list[str]
    hub_answer: str
    asked_at: str | None
    hub_facts: HubFacts | None
    changes: list[Change]
    bases: list[Relation]
    derivatives: list[Relation]
    inherited: list[InheritedRecord]
    bases_total: int
    derivatives_total: int
    direct: Counts
    inherited_counts: Counts
    statements: list[PublisherStatement]
    total: int
    openness: dict[str, Any] | None
    file_safety: dict[str, Any] | None
    inspected_at: str | None
    inspected_revision: str
    use: list[Use]
    incidents: list[Record]


@extend_schema(tags=["models"])
class ModelDetail(APIView):
    """One model."""

    @extend_schema(operation_id="get_model", responses={200: ModelDocument})
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """Its identity, the hub's last word, how open it is, what derives from what, and the newest records on it."""
        return answer(request, resolve(hub, name))


def answer(request: HttpRequest, model: Model | None) -> HttpResponseBase:
    """The whole model, or a 404."""
    if model is None:
        raise Http404
    content = _document(describe(model, Pages()))
    return json_bytes(request, content, etag=digest(content))


def _document(found: PublicModel) -> bytes:
    shell = ModelDocument(
        hub=found.hub,
        name=found.name,
        names=list(found.names),
        stable_id=found.stable_id,
        purl=found.purl,
        url=found.url,
        affected_revisions=list(found.revisions),
        hub_answer=found.outcome,
        asked_at=instant(found.asked_at) if found.asked_at else None,
        hub_facts=_facts(found.latest) if found.latest else None,
        changes=[change(drift) for drift in found.drift],
        bases=[relation(base) for base in nearest(found.bases)[:MOST_RELATIVES]],
        derivatives=[relation(derivative) for derivative in nearest(found.derivatives)[:MOST_RELATIVES]],
        bases_total=len(found.bases),
        derivatives_total=len(found.derivatives),
        inherited=[
            InheritedRecord(id=one.incident.public_id, title=one.incident.title, base=relation(one.base))
            for one in found.inherited
        ],
        direct=counts(found.direct),
        inherited_counts=counts(found.inherited_counts),
        statements=[statement(said) for said in found.statements],
        openness=found.openness,
        file_safety=found.safety,
        inspected_at=instant(found.inspected_at) if found.inspected_at else None,
        inspected_revision=found.inspected_revision,
        use=[Use(week=one.week.isoformat(), downloads=one.downloads, likes=one.likes) for one in found.use],
        total=found.total,
        incidents=[],
    )
    records = b",".join(bytes(incident.document) for incident in found.incidents)
    return shell.model_dump_json(exclude={"incidents"}).encode()[:-1] + b',"incidents":[' + records + b"]}"


def change(drift: Drift) -> Change:
    """One change that was noticed."""
    return Change(change=drift.change, noticed=instant(drift.noticed_at), before=drift.before, after=drift.after)


def counts(counted: Counted) -> Counts:
    """Two numbers."""
    return Counts(records=counted.records, incidents=counted.incidents)


def statement(said: Said) -> PublisherStatement:
    """What a publisher says."""
    return PublisherStatement.model_validate(asdict(said))


def relation(relative: Relative) -> Relation:
    """One base or derivative."""
    return Relation(
        name=relative.name, way=list(relative.way), relations=list(relative.relations), records=relative.records
    )


def _facts(snapshot: Snapshot) -> HubFacts:
    columns: dict[str, Any] = {name: getattr(snapshot, name) for name in HubFacts.model_fields if name != "taken_at"}
    return HubFacts(taken_at=instant(snapshot.taken_at), **columns)
