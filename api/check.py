"""Am I affected? The published records on the models and files that somebody runs. Nothing of a question is stored."""

import json
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import cyclonedx
from api.admission import QUESTIONS_A_UNIT, charge_more
from api.errors import Problem, invalid
from api.parsing import BomParser
from catalogue.boms import UnreadableBomError, read_bom
from catalogue.components import Identity
from catalogue.hub import hubs
from incidents import log
from incidents.check_rows import Concerned
from incidents.checked_bom import CONTENT_TYPE, checked_bom
from incidents.checking import Answer, Finding, Level, Verdict, check, question_of, read_question
from incidents.publishing import instant

MOST_ITEMS = 1000
_SOME_ID = "FL-2000-00000000"

_Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Item(BaseModel):
    """A model or file, and what you know it to derive from."""

    model_config = ConfigDict(extra="forbid")

    id: _Text = Field(description="A package URL, organisation/name, an address on a hub, or a file's SHA-256.")
    bases: list[_Text] = Field(default_factory=list, max_length=20, description="In the same forms.")


class CheckQuestion(BaseModel):
    """Up to 1,000 models and files; a text alone stands for its `id`."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item | _Text] = Field(min_length=1, max_length=MOST_ITEMS)


class Understood(BaseModel):
    """What a text was read as; `digest` alone for the SHA-256 of a file."""

    hub: str
    name: str
    revision: str
    file: str
    purl: str
    digest: str


class FoundRecord(BaseModel):
    """One record that concerns what was asked about, how exactly it matches (`level`), and what follows (`verdict`).

    `names` is the model as the record names it. `way` leads from what was asked about to it, `relations` are what joins
    the steps ("declared" is the question's own word); both are empty unless inherited. `as_of` is when the hub said
    where the branch points, for the level `branch`.
    """

    id: str
    url: str
    title: str
    record_status: str
    kind: str
    category: str
    severity: str
    modified: str
    level: Level
    verdict: Verdict
    names: dict[str, str]
    rests_on: str
    way: list[str]
    relations: list[str]
    as_of: str | None


class CheckedItem(BaseModel):
    """A question and its answer. `problem` says why the text names no model or file; names are compared all the same.

    `ref` is the component's reference in a bill of materials.
    """

    asked: str
    ref: str
    understood: list[Understood]
    problem: str
    affected: bool
    records: list[FoundRecord]


class CheckDocument(BaseModel):
    """The answers in the order of the questions, as of that entry of the log. An empty list is not a clean bill.

    Of a bill of materials `components` counts all its components, `results` only those that name a model or a digest.
    """

    log_number: int
    components: int
    affected: int
    results: list[CheckedItem]


class _UnkeptView(APIView):
    """What somebody runs is nobody else's business: no cache keeps the answer."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds the header that says so."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


@extend_schema(tags=["check"])
class Check(_UnkeptView):
    """Models and files by name."""

    @extend_schema(
        operation_id="check_models",
        request=CheckQuestion,
        responses={
            200: CheckDocument,
            422: OpenApiResponse(description="problem+json: what is wrong with which item"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Which published records concern these models and files. Constant in queries, whatever their number."""
        try:
            items = CheckQuestion.model_validate(request.data).items
        except ValidationError as error:
            raise invalid(error, "Nothing was checked; the fields say why.") from error
        charge_more(request, len(items) // QUESTIONS_A_UNIT)
        asked = [Item(id=item) if isinstance(item, str) else item for item in items]
        answers = check([read_question(item.id, item.bases) for item in asked])
        return _document(answers, len(asked))


@extend_schema(tags=["check"])
class CheckBom(_UnkeptView):
    """Models and files by bill of materials."""

    parser_classes = (BomParser,)
    renderer_classes = (JSONRenderer, cyclonedx.Renderer)

    @extend_schema(
        operation_id="check_bom",
        request={"application/json": {"type": "object", "description": "CycloneDX 1.4 to 1.7, SPDX 2.3 or SPDX 3.0."}},
        responses={
            (200, "application/json"): CheckDocument,
            (200, CONTENT_TYPE): {"type": "object", "description": "CycloneDX 1.6 with vulnerabilities."},
            422: OpenApiResponse(description="problem+json: the document is no bill of materials"),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Which published records concern the models and files in a CycloneDX or SPDX document.

        With `Accept: application/vnd.cyclonedx+json` the answer is CycloneDX with `vulnerabilities`.
        """
        try:
            bom = read_bom(request.data)
        except UnreadableBomError as error:
            raise Problem("unreadable-bom", str(error), status=422) from error
        charge_more(request, len(bom.components) // QUESTIONS_A_UNIT)
        answers = check([question_of(component) for component in bom.components])
        if isinstance(request.accepted_renderer, cyclonedx.Renderer):
            return Response(checked_bom(answers))
        return _document(answers, bom.total)


def _document(answers: list[Answer], components: int) -> HttpResponse:
    """The answer, written piece by piece: a thousand models that derive from one share its records and the ways there.

    Each piece is a JSON text of its own, made once; its shape is `CheckDocument`.
    """
    pieces = _Pieces()
    results = ",".join(pieces.item(answer) for answer in answers)
    affected = sum(answer.affected for answer in answers)
    number = log.head().number
    content = f'{{"log_number":{number},"components":{components},"affected":{affected},"results":[{results}]}}'
    return HttpResponse(content.encode(), content_type="application/json")


_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class _Pieces:
    def __init__(self) -> None:
        self._page = settings.BASE_URL + reverse("website:incident", args=[_SOME_ID])
        self._records: dict[int, str] = {}
        self._rests: dict[tuple[Any, ...], str] = {}

    def item(self, answer: Answer) -> str:
        question = answer.question
        head = _written(
            {
                "asked": question.asked,
                "ref": question.ref,
                "understood": [_understood(identity) for identity in question.identities],
                "problem": question.problem,
                "affected": answer.affected,
            }
        )
        records = ",".join([self._found(finding) for finding in answer.findings])
        return f'{head[:-1]},"records":[{records}]}}'

    def _found(self, finding: Finding) -> str:
        row, said = finding.record, finding[1:]
        record = self._records.get(row.affected)
        if record is None:
            record = self._records[row.affected] = _written(self._described(row))[:-1]
        rest = self._rests.get(said)
        if rest is None:
            rest = self._rests[said] = _written(_said(finding))[1:]
        return f"{record},{rest}"

    def _described(self, row: Concerned) -> dict[str, Any]:
        return {
            "id": row.public_id,
            "url": self._page.replace(_SOME_ID, row.public_id),
            "title": row.title,
            "record_status": row.record_status,
            "kind": row.kind,
            "category": row.category,
            "severity": row.severity,
            "modified": instant(row.modified),
            "names": {"hub": row.hub, "name": row.name, "revision": row.revision},
        }


def _said(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "verdict": finding.verdict,
        "rests_on": finding.rests_on,
        "way": finding.way,
        "relations": finding.relations,
        "as_of": instant(finding.as_of) if finding.as_of else None,
    }


def _understood(identity: Identity) -> dict[str, str]:
    read = identity.reference
    return {
        "hub": read.hub if read else "",
        "name": read.name if read else "",
        "revision": read.revision if read else "",
        "file": read.file if read else "",
        "purl": hubs()[read.hub].purl(read) if read else "",
        "digest": identity.digest,
    }
