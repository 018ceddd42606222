"""Submitting a report. With `api.threads` the only modules of the API that reach private rows."""

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema
from pydantic import BaseModel, ValidationError
from rest_framework.exceptions import Throttled
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from api.admission import account_of
from api.errors import Problem, invalid_submission
from api.parsing import BoundedJSONParser, BoundedMultiPartParser, TooLarge
from lib import uploads
from lib.network import network_of
from reports import abuse, evidence
from reports.abuse import Facts, Proof, limits, proof
from reports.actors import REPORTER
from reports.evidence import Held, RefusedFileError
from reports.submission import Submission

PROOF_HEADER = "Proof-Of-Work"


class ReceiptDocument(BaseModel):
    """The receipt: shown once, stored nowhere. Whoever holds it can follow the report."""

    receipt: str
    status: str = "received"


class PrivateView(APIView):
    """Answers that nobody may cache."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Adds the headers that keep the exchange private."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response


def network(request: Request) -> str:
    """The coarse network a request comes from; for limits, never to be stored."""
    return network_of(request.META, proxies=settings.PROXIES)


def take(what: str, request: Request, *, account: User | None = None) -> None:
    """Takes one call of its account, else of its network, from a budget; raises Throttled, a 429 with Retry-After."""
    if wait := limits.take(what, f"account {account.pk}" if account else network(request)):
        raise Throttled(wait)


class FileView(PrivateView):
    """Takes files in the fields of `file_fields`, while they stream and within bounds."""

    parser_classes: tuple[type[BaseParser], ...] = (BoundedJSONParser, BoundedMultiPartParser)
    file_fields: tuple[str, ...] = ()

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Says which files may come, before anything reads the body."""
        self.taking = uploads.accept(request, *self.file_fields)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses what is too large to be read at all."""
        super().initial(request, *args, **kwargs)
        if uploads.is_beyond_reading(request):
            raise TooLarge

    def files(self, request: Request, field: str) -> list[UploadedFile]:
        """The files of a field; raises Problem where one was turned away."""
        sent = request.FILES.getlist(field) if request.FILES else []
        if self.taking.refused:
            raise refused([(name, str(refusal)) for name, refusal in self.taking.refused])
        if part(request, field):
            raise refused([(field, "This part is text, not a file: send it with a file name.")])
        return sent

    def held(self, request: Request) -> list[Held]:
        """The field `evidence`, each file made anew; raises Problem that names all that were refused."""
        held, wrong = [], []
        for upload in self.files(request, "evidence"):
            try:
                held.append(evidence.hold(upload))
            except RefusedFileError as error:
                wrong.append((upload.name or "file", str(error)))
        if wrong:
            raise refused(wrong)
        return held


def refused(files: Iterable[tuple[str, str]]) -> Problem:
    fields = [{"field": name, "message": sentence} for name, sentence in files]
    return Problem("refused-file", "Nothing was stored; the errors name each file refused.", status=422, fields=fields)


def _fields(request: Request) -> Any:
    """The report's fields: the JSON body, or the part `report` of a form with files. Raises Problem."""
    if not isinstance(request.data, QueryDict):
        return request.data
    try:
        return json.loads(part(request, "report") or "{}")
    except (ValueError, RecursionError) as error:
        raise Problem("parse-error", "The part `report` is not JSON.") from error


def part(request: Request, name: str) -> str:
    """A part of a form that is no file; "" if it was not sent."""
    value = request.data.get(name, "") if isinstance(request.data, QueryDict) else ""
    return value if isinstance(value, str) else ""


def _submission(fields: Any) -> Submission:
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        raise invalid_submission(error) from error


def _proven(request: Request, account: User | None) -> Facts:
    """How a report came. Takes from the budget for reports without proof where it has none; raises Throttled."""
    if account:
        return Facts(Proof.SPARED)
    facts = Facts(proof.check(request.headers.get(PROOF_HEADER, "")))
    if facts.proof not in (Proof.GIVEN, Proof.UNCHECKED):
        take(limits.UNPROVEN, request)
    return facts


def _submitted(request: Request, submission: Submission, files: list[Held]) -> Response:
    account = account_of(request)
    suspicion = abuse.judge(_proven(request, account), submission)
    try:
        submitted = evidence.submit_with_files(
            submission=submission, source="api", files=files, by=account or REPORTER, suspicion=suspicion
        )
    except RefusedFileError as error:
        raise refused([("evidence", str(error))]) from error
    return Response({"receipt": submitted.receipt, "status": "received"}, status=201)


def form_with_files(required: list[str], **parts: Any) -> dict[str, Any]:
    """A form with files, for the OpenAPI document; parts that are objects are sent as JSON."""
    form = {"type": "object", "required": required, "properties": parts}
    objects = [name for name, schema in parts.items() if "$ref" in schema or schema["type"] == "object"]
    encoding = {name: {"contentType": "application/json"} for name in objects}
    return {"multipart/form-data": OpenApiRequest(form, encoding=encoding or None)}


FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "maxItems": uploads.MOST_FILES_AT_ONCE,
    "description": "PNG, JPEG, WebP, PDF or UTF-8 text. Made anew without metadata; moderators alone see them.",
}
_REPORT = {"$ref": "#/components/schemas/Submission"}
_FIELDS_OF_REPORT = {"type": "object", "description": "Fields of a report; they go before those the file says."}
_PROOF = OpenApiParameter(PROOF_HEADER, str, OpenApiParameter.HEADER, description="A solved challenge.")
WRONG = OpenApiResponse(description="problem+json: what is wrong with which field or file")


@extend_schema(tags=["reports"])
class ReportList(FileView):
    """Reports in."""

    file_fields = ("evidence",)

    @extend_schema(
        operation_id="submit_report",
        request={"application/json": Submission, **form_with_files(["report"], report=_REPORT, evidence=FILES)},
        parameters=[_PROOF],
        responses={201: ReceiptDocument, 422: WRONG},
    )
    def post(self, request: Request) -> Response:
        """Stores a report and answers with its receipt. A proof of work (`/reports/challenge`) raises the limits.

        With files, send a form: the report as JSON in the part `report`, each file in a part `evidence`. All of it is
        stored, or nothing. With a token of scope `report` it is sent in the name of the token's account, which
        moderators see; it then needs no proof of work.
        """
        account = account_of(request)
        submission = _submission(_fields(request))
        take(limits.SUBMIT, request, account=account)
        return _submitted(request, submission, self.held(request))


@extend_schema(tags=["reports"])
class ReportFromResults(FileView):
    """Reports from red-team tools."""

    file_fields = ("results", "evidence")

    @extend_schema(
        operation_id="submit_results",
        request=form_with_files(
            ["results", "report"],
            results={"type": "string", "format": "binary", "description": "Of garak, Inspect, promptfoo or PyRIT."},
            report=_FIELDS_OF_REPORT,
            evidence=FILES,
        ),
        parameters=[_PROOF],
        responses={201: ReceiptDocument, 422: WRONG},
    )
    def post(self, request: Request) -> Response:
        """Stores a report made of a red-team tool's result file, which becomes private evidence.

        The file says models, title, text, kind and date. The fields of `report` go before them; `category` is always
        yours to say.
        """
        results = self.files(request, "results")
        if len(results) != 1:
            raise refused([("results", "Send one result file.")])
        fields = _fields(request)
        take(limits.SUBMIT, request, account=account_of(request))
        try:
            held, draft = evidence.draft_from(results[0])
        except RefusedFileError as error:
            raise refused([(results[0].name or "results", str(error))]) from error
        given = fields if isinstance(fields, dict) else {}
        return _submitted(request, _submission({**draft.answers(), **given}), [held, *self.held(request)])


@extend_schema(tags=["reports"])
class ChallengeDetail(PrivateView):
    """A proof of work, for tools that report often."""

    @extend_schema(operation_id="get_challenge", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """A challenge of ALTCHA's protocol, version 2. Its solution, base64, goes into the header `Proof-Of-Work`."""
        take(limits.CHALLENGE, request)
        return Response(proof.new_challenge(network(request)))
