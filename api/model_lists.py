"""The list of models, and what of one model is too long for one answer: records, snapshots, drift, lineage."""

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel
from rest_framework.views import APIView

from api.errors import Problem
from api.hub_models import Change, Counts, Relation, answer, change, counts, relation
from api.reading import LIMIT, arguments, json_bytes, link_to, one_of, page_size
from catalogue import lineage
from catalogue.models import Model, Snapshot
from catalogue.openness import VALUES, Dimension
from incidents import model_records, public_models, public_names
from incidents.public_names import ListedModel, Wanted
from incidents.publishing import instant
from incidents.record import Record
from lib.canonical import digest
from lib.cursors import read_cursor, write_cursor

_FILTERS = {
    "q": "Letters that the name has in this order, letter case aside.",
    "hub": "For example huggingface.",
    "organisation": "hub/organisation, letter case aside.",
    "base_model": "hub/name of a public model, of whose descendants the list then is.",
    "licence": "As the publisher claims it, letter case aside.",
    "openness": "dimension:value, for example licence_osi:approved.",
    "has_incidents": "true for models that a record concerns, false for the others.",
}
PAGING = [
    OpenApiParameter("cursor", str, description="From `next` or the Link header of the page before."),
    LIMIT,
]


class ListedModelDocument(BaseModel):
    """One model of the list; `licence` and `openness` are as of the hub's last answer, and empty before it."""

    hub: str
    name: str
    url: str
    stable_id: str
    purl: str
    organisation: str
    licence: str
    openness: dict[str, str]
    direct: Counts
    inherited: Counts


class ModelPage(BaseModel):
    """Models by hub and name; `next` is the address of the page after, null at the end."""

    items: list[ListedModelDocument]
    next: str | None


@extend_schema(tags=["models"])
class ModelList(APIView):
    """The models that records in force name, and the bases those derive from."""

    @extend_schema(
        operation_id="list_models",
        parameters=[*(OpenApiParameter(name, str, description=text) for name, text in _FILTERS.items()), *PAGING],
        responses={200: ModelPage},
    )
    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Each with how many records concern it directly, and through a base."""
        given = arguments(request, {*_FILTERS, "cursor", "limit"})
        page = public_names.find(_wanted(given), after=given.get("cursor", ""), limit=page_size(given))
        return paged(request, given, [listed(model).model_dump_json().encode() for model in page.models], page.next)


def _wanted(given: Mapping[str, str]) -> Wanted:
    return Wanted(
        q=given.get("q", ""),
        hub=given.get("hub", ""),
        organisation=given.get("organisation", "").lower(),
        base=_base(given["base_model"]) if "base_model" in given else None,
        licence=given.get("licence", ""),
        openness=_trait(given["openness"]) if "openness" in given else None,
        has_incidents={"true": True, "false": False}.get(one_of(given, "has_incidents", ["true", "false"])),
    )


def _base(text: str) -> Model:
    hub, _, name = text.partition("/")
    model = public_models.resolve(hub, name)
    if model is None:
        raise Problem("bad-argument", "base_model is hub/name of a model that is public here.")
    return model


def _trait(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    if name not in list(Dimension) or value not in VALUES[Dimension(name)]:
        raise Problem("bad-argument", f"openness is dimension:value; the dimensions are {', '.join(Dimension)}.")
    return name, value


def listed(model: ListedModel) -> ListedModelDocument:
    """One model of a list."""
    return ListedModelDocument(
        hub=model.hub,
        name=model.name,
        url=settings.BASE_URL + reverse("api:model", args=[model.hub, model.name]),
        stable_id=model.stable_id,
        purl=model.purl,
        organisation=model.organisation,
        licence=model.licence,
        openness=dict(model.openness),
        direct=counts(model.direct),
        inherited=counts(model.inherited),
    )


class _Part(APIView):
    """Part of what is known of a model, by page. Where the address as a whole is a model's, that model is answered."""

    word: ClassVar[str]
    known: ClassVar[frozenset[str]] = frozenset({"cursor", "limit"})

    def respond(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """The page, or the model whose name ends in this part's word."""
        if whole := public_models.resolve(hub, f"{name}/{self.word}"):
            return answer(request, whole)
        model = public_models.resolve(hub, name)
        if model is None:
            raise Http404
        given = arguments(request, self.known)
        items, following = self.items(model, given, given.get("cursor", ""), page_size(given))
        return paged(request, given, items, following)

    def items(self, model: Model, given: Mapping[str, str], after: str, limit: int) -> tuple[list[bytes], str]:
        """The page's items as JSON, and the cursor of the page after. Raises BadCursorError."""
        raise NotImplementedError


class InheritedDocument(BaseModel):
    """A whole record, and the nearest base of the model that it names."""

    record: Record
    base: Relation


class RecordPage(BaseModel):
    """Records, newest publication first; inherited ones each with the base it comes from."""

    items: list[Record | InheritedDocument]
    next: str | None


@extend_schema(tags=["models"])
class ModelIncidents(_Part):
    """The records on a model."""

    word = "incidents"
    known = frozenset({"cursor", "limit", "relation"})

    @extend_schema(
        operation_id="list_model_incidents",
        parameters=[
            OpenApiParameter("relation", str, enum=["direct", "inherited"], description="direct, if it is not said."),
            *PAGING,
        ],
        responses={200: RecordPage},
    )
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """Those in force that name it, as whole documents; or those on its bases, with the way to each base."""
        return self.respond(request, hub, name)

    def items(self, model: Model, given: Mapping[str, str], after: str, limit: int) -> tuple[list[bytes], str]:
        """Stored documents, byte for byte."""
        if one_of(given, "relation", ["direct", "inherited"]) != "inherited":
            page = model_records.newest(public_models.records_naming(model), after=after, limit=limit)
            return [bytes(incident.document) for incident in page.rows], page.next
        above = lineage.ancestors(model) if model.pk else {}
        found = model_records.inherited(model.pk or public_models.NOT_STORED, above, after=after, limit=limit)
        bases = public_models.relatives_by_key({pk: above[pk] for _, pk in found.found})
        return [
            b'{"record":' + bytes(incident.document) + b',"base":' + _json(relation(bases[base])) + b"}"
            for incident, base in found.found
        ], found.next


class LineagePage(BaseModel):
    """Bases or derivatives, the nearest first."""

    items: list[Relation]
    next: str | None


@extend_schema(tags=["models"])
class ModelLineage(_Part):
    """What a model derives from, and what derives from it."""

    word = "lineage"
    known = frozenset({"cursor", "limit", "direction"})

    @extend_schema(
        operation_id="list_model_lineage",
        parameters=[
            OpenApiParameter("direction", str, enum=["up", "down"], description="up, if it is not said: its bases."),
            *PAGING,
        ],
        responses={200: LineagePage},
    )
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """Each with a shortest way to it. A derivative is told only where a record concerns it."""
        return self.respond(request, hub, name)

    def items(self, model: Model, given: Mapping[str, str], after: str, limit: int) -> tuple[list[bytes], str]:
        """In the order of distance, then of the name."""
        below = one_of(given, "direction", ["up", "down"]) == "down"
        walk = f"relatives {model.pk} {below}"
        start = read_cursor(walk, after) if after else [0, ""]
        found = [one for one in public_models.relatives(model, below=below) if [len(one.way), one.name] > start]
        last = found[limit - 1] if len(found) > limit else None
        following = write_cursor(walk, len(last.way), last.name) if last else ""
        return [_json(relation(one)) for one in found[:limit]], following


class SnapshotDocument(BaseModel):
    """What the hub said of the default branch from `taken_at` on; the files are counted, sizes in bytes."""

    taken_at: str
    revision: str
    name: str
    author: str
    licence: str
    gated: str
    disabled: bool
    pipeline: str
    library: str
    files: int
    size: int
    files_complete: bool
    digest: str


class SnapshotPage(BaseModel):
    """Snapshots since the first record on the model, newest first: one for each time that something had changed."""

    items: list[SnapshotDocument]
    next: str | None


@extend_schema(tags=["models"])
class ModelSnapshots(_Part):
    """What the hub said of a model over time."""

    word = "snapshots"

    @extend_schema(operation_id="list_model_snapshots", parameters=PAGING, responses={200: SnapshotPage})
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """None from before the first record: they would tell that somebody had reported the model."""
        return self.respond(request, hub, name)

    def items(self, model: Model, _given: Mapping[str, str], after: str, limit: int) -> tuple[list[bytes], str]:
        """Newest first."""
        page = model_records.newest(public_models.history(model), by="taken_at", after=after, limit=limit)
        return [_json(_snapshot(row)) for row in page.rows], page.next


class DriftPage(BaseModel):
    """Changes since the first record on the model, newest first."""

    items: list[Change]
    next: str | None


@extend_schema(tags=["models"])
class ModelDrift(_Part):
    """What changed of a model on its hub."""

    word = "drift"

    @extend_schema(operation_id="list_model_drift", parameters=PAGING, responses={200: DriftPage})
    def get(self, request: HttpRequest, hub: str, name: str) -> HttpResponseBase:
        """Between two snapshots, when this node noticed."""
        return self.respond(request, hub, name)

    def items(self, model: Model, _given: Mapping[str, str], after: str, limit: int) -> tuple[list[bytes], str]:
        """Newest first."""
        page = model_records.newest(public_models.drift_of(model), by="noticed_at", after=after, limit=limit)
        return [_json(change(row)) for row in page.rows], page.next


def _snapshot(row: Snapshot) -> SnapshotDocument:
    return SnapshotDocument(
        taken_at=instant(row.taken_at),
        files=len(row.files),
        size=sum(file["size"] or 0 for file in row.files),
        **{
            name: getattr(row, name)
            for name in SnapshotDocument.model_fields
            if name not in {"taken_at", "files", "size"}
        },
    )


def _json(document: BaseModel) -> bytes:
    return document.model_dump_json().encode()


def paged(request: HttpRequest, given: Mapping[str, str], items: Sequence[bytes], cursor: str) -> HttpResponseBase:
    """`{"items": [...], "next": URL or null}`, and the Link header."""
    following = link_to(request, {**given, "cursor": cursor}) if cursor else None
    content = b'{"items":[' + b",".join(items) + b'],"next":' + json.dumps(following).encode() + b"}"
    response = json_bytes(request, content, etag=digest(content))
    if following:
        response["Link"] = f'<{following}>; rel="next"'
    return response
