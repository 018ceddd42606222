"""Submitting a report, and following it by its receipt. The only API module that reaches private rows."""

import json
from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import Problem, invalid_submission
from api.parsing import BoundedJSONParser, BoundedMultiPartParser, TooLarge
from lib import uploads
from reports import evidence, notices
from reports.evidence import Held, RefusedFileError, UnknownReceiptError
from reports.submission import Submission


class ReceiptDocument(BaseModel):
    """The receipt: shown once, stored nowhere. Whoever holds it can follow the report."""

    receipt: str
    status: str = "received"


class ReceiptQuestion(BaseModel):
    """A receipt code."""

    model_config = ConfigDict(extra="forbid")

    receipt: str


class AddedFile(BaseModel):
    """A file that was added; `sha256` is that of the file as it was sent."""

    name: str
    sha256: str


class EvidenceDocument(BaseModel):
    """The files that were added."""

    added: list[AddedFile]


class StatusDocument(BaseModel):
    """A report's state, in a word and in plain words; `incidents` are the public ids that came of it."""

    state: str
    text: str
    submitted: str
    incidents: list[str]


class _PrivateView(APIView):
    """Answers that nobody may cache."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Adds the headers that keep the exchange private."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response


class _FileView(_PrivateView):
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
            raise _refused(self.taking.refused)
        return sent

    def held(self, request: Request) -> list[Held]:
        """The field `evidence`, each file made anew; raises Problem that names all that were refused."""
        held, refused = [], []
        for upload in self.files(request, "evidence"):
            try:
                held.append(evidence.hold(upload))
            except RefusedFileError as error:
                refused.append((upload.name or "file", str(error)))
        if refused:
            raise _refused(refused)
        return held


def _refused(files: Iterable[tuple[str, str]]) -> Problem:
    fields = [{"field": name, "message": sentence} for name, sentence in files]
    return Problem("refused-file", "Nothing was stored; the errors name each file refused.", status=422, fields=fields)


def _fields(request: Request) -> Any:
    """The report's fields: the JSON body, or the part `report` of a form with files. Raises Problem."""
    if not isinstance(request.data, QueryDict):
        return request.data
    try:
        return json.loads(_part(request, "report") or "{}")
    except (ValueError, RecursionError) as error:
        raise Problem("parse-error", "The part `report` is not JSON.") from error


def _part(request: Request, name: str) -> str:
    """A part of a form that is no file; "" if it was not sent."""
    value = request.data.get(name, "") if isinstance(request.data, QueryDict) else ""
    return value if isinstance(value, str) else ""


def _submission(fields: Any) -> Submission:
    try:
        return Submission.model_validate(fields)
    except ValidationError as error:
        raise invalid_submission(error) from error


def _submitted(submission: Submission, files: list[Held]) -> Response:
    try:
        submitted = evidence.submit_with_files(submission=submission, source="api", files=files)
    except RefusedFileError as error:
        raise _refused([("evidence", str(error))]) from error
    return Response({"receipt": submitted.receipt, "status": "received"}, status=201)


def _form(required: list[str], **parts: Any) -> dict[str, Any]:
    """A form with files, for the OpenAPI document."""
    return {"multipart/form-data": {"type": "object", "required": required, "properties": parts}}


_FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "maxItems": uploads.MOST_FILES_AT_ONCE,
    "description": "PNG, JPEG, WebP, PDF or UTF-8 text. Made anew without metadata; moderators alone see them.",
}
_REPORT = {"type": "string", "contentMediaType": "application/json", "description": "The report's fields as JSON."}
_WRONG = OpenApiResponse(description="problem+json: what is wrong with which field or file")


@extend_schema(tags=["reports"])
class ReportList(_FileView):
    """Reports in."""

    file_fields = ("evidence",)

    @extend_schema(
        operation_id="submit_report",
        request={"application/json": Submission, **_form(["report"], report=_REPORT, evidence=_FILES)},
        responses={201: ReceiptDocument, 422: _WRONG},
    )
    def post(self, request: Request) -> Response:
        """Stores a report and answers with its receipt.

        With files, send a form: the report as JSON in the part `report`, each file in a part `evidence`. All of it is
        stored, or nothing.
        """
        return _submitted(_submission(_fields(request)), self.held(request))


@extend_schema(tags=["reports"])
class ReportFromResults(_FileView):
    """Reports from red-team tools."""

    file_fields = ("results", "evidence")

    @extend_schema(
        operation_id="submit_results",
        request=_form(
            ["results", "report"],
            results={"type": "string", "format": "binary", "description": "Of garak, Inspect, promptfoo or PyRIT."},
            report=_REPORT,
            evidence=_FILES,
        ),
        responses={201: ReceiptDocument, 422: _WRONG},
    )
    def post(self, request: Request) -> Response:
        """Stores a report made of a red-team tool's result file, which becomes private evidence.

        The file says models, title, text, kind and date. The fields of `report` go before them; `category` is always
        yours to say.
        """
        results = self.files(request, "results")
        if len(results) != 1:
            raise _refused([("results", "Send one result file.")])
        fields = _fields(request)
        try:
            held, draft = evidence.draft_from(results[0])
        except RefusedFileError as error:
            raise _refused([(results[0].name or "results", str(error))]) from error
        given = fields if isinstance(fields, dict) else {}
        return _submitted(_submission({**draft.answers(), **given}), [held, *self.held(request)])


@extend_schema(tags=["reports"])
class ReportEvidence(_FileView):
    """Files for a report that was sent."""

    file_fields = ("evidence",)
    parser_classes = (BoundedMultiPartParser,)

    @extend_schema(
        operation_id="add_evidence",
        request=_form(["receipt", "evidence"], receipt={"type": "string"}, evidence=_FILES),
        responses={201: EvidenceDocument, 404: OpenApiResponse(description="unknown-receipt"), 422: _WRONG},
    )
    def post(self, request: Request) -> Response:
        """Adds files to the report that the receipt belongs to."""
        receipt = _part(request, "receipt")
        if notices.status_for(receipt) is None:
            raise _unknown_receipt()
        held = self.held(request)
        if not held:
            raise _refused([("evidence", "Send a file.")])
        try:
            added = evidence.add_with_receipt(typed=receipt, files=held)
        except UnknownReceiptError as error:
            raise _unknown_receipt() from error
        except RefusedFileError as error:
            raise _refused([("evidence", str(error))]) from error
        return Response({"added": [{"name": one.name, "sha256": one.original_sha256} for one in added]}, status=201)


def _unknown_receipt() -> Problem:
    return Problem("unknown-receipt", "No report has this receipt. Check it for mistyped characters.", status=404)


@extend_schema(tags=["reports"])
class ReportStatus(_PrivateView):
    """Following a report."""

    @extend_schema(operation_id="get_report_status", request=ReceiptQuestion, responses={200: StatusDocument})
    def post(self, request: Request) -> Response:
        """The state of the report that the receipt belongs to. Posted, so that the code is in no URL and no log."""
        try:
            typed = ReceiptQuestion.model_validate(request.data).receipt
        except ValidationError as error:
            raise invalid_submission(error) from error
        notice = notices.status_for(typed)
        if notice is None:
            raise _unknown_receipt()
        return Response(
            {
                "state": notice.state,
                "text": notice.text,
                "submitted": notice.submitted,
                "incidents": list(notice.incidents),
            }
        )
