"""Following a report by its receipt: where it stands, and what is said behind it. The receipt is in each body."""

from typing import Literal

from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import Problem, invalid_submission
from api.parsing import BoundedMultiPartParser
from api.reports import FILES, WRONG, FileView, PrivateView, form_with_files, network, part, refused, take
from reports import appeals, conversation, evidence, notices, receipts, withdrawal
from reports.abuse import limits
from reports.actors import WrongStateError
from reports.appeals import AppealedBeforeError
from reports.conversation import RefusedMessageError
from reports.evidence import RefusedFileError
from reports.models import Report


class ReceiptQuestion(BaseModel):
    """A receipt code."""

    model_config = ConfigDict(extra="forbid")

    receipt: str = Field(max_length=100)


class NewMessage(BaseModel):
    """Words for the moderators. `once` is yours to choose: two requests with the same say it only once."""

    model_config = ConfigDict(extra="forbid")

    receipt: str = Field(max_length=100)
    kind: Literal["message", "evidence", "appeal"] = "message"
    text: str = Field(max_length=conversation.LONGEST)
    links: tuple[str, ...] = Field((), max_length=conversation.MOST_LINKS, description="With evidence only.")
    once: str = Field("", max_length=64)


class AddedFile(BaseModel):
    """A file that was added; `sha256` is that of the file as it was sent."""

    name: str
    sha256: str


class EvidenceDocument(BaseModel):
    """The files that were added."""

    added: list[AddedFile]


class MessageDocument(BaseModel):
    """One message; `sender` is reporter or moderator."""

    sender: str
    kind: str
    at: str
    text: str


class StatusDocument(BaseModel):
    """A report's state, in a word and in plain words; `incidents` are the public ids that came of it."""

    state: str
    text: str
    submitted: str
    incidents: list[str]
    messages: list[MessageDocument]
    may_appeal: bool


def _report_of(typed: str, request: Request) -> Report:
    """The report of a receipt; the same problem for every code that leads nowhere. Tries that fail are counted."""
    take(limits.RECEIPT, request)
    report = receipts.report_for(typed)
    if report is None:
        raise Problem("unknown-receipt", "No report has this receipt. Check it for mistyped characters.", status=404)
    limits.give_back(limits.RECEIPT, network(request))
    return report


def _status(report: Report) -> dict[str, object]:
    notice = notices.status_of(report)
    said = [
        MessageDocument(
            sender="reporter" if one.from_reporter else "moderator", kind=one.kind, at=one.at.isoformat(), text=one.text
        )
        for one in conversation.read_by_reporter(report=report)
    ]
    document = StatusDocument(
        state=notice.state,
        text=notice.text,
        submitted=notice.submitted,
        incidents=list(notice.incidents),
        messages=said,
        may_appeal=appeals.may_appeal(report),
    )
    return document.model_dump()


@extend_schema(tags=["reports"])
class ReportStatus(PrivateView):
    """Following a report."""

    @extend_schema(operation_id="get_report_status", request=ReceiptQuestion, responses={200: StatusDocument})
    def post(self, request: Request) -> Response:
        """The state of the report that the receipt belongs to. Posted, so that the code is in no URL and no log."""
        try:
            typed = ReceiptQuestion.model_validate(request.data).receipt
        except ValidationError as error:
            raise invalid_submission(error) from error
        return Response(_status(_report_of(typed, request)))


@extend_schema(tags=["reports"])
class ReportMessages(PrivateView):
    """Talking with the moderators."""

    @extend_schema(
        operation_id="send_report_message",
        request=NewMessage,
        responses={201: StatusDocument, 409: OpenApiResponse(description="problem+json: not in this state")},
    )
    def post(self, request: Request) -> Response:
        """Stores a message, more evidence, or the one appeal, and answers with the status."""
        try:
            new = NewMessage.model_validate(request.data)
        except ValidationError as error:
            raise invalid_submission(error) from error
        report = _report_of(new.receipt, request)
        take(limits.MESSAGE, request)
        try:
            _say(report, new)
        except RefusedMessageError as error:
            raise Problem("refused-message", str(error), status=422) from error
        except (WrongStateError, AppealedBeforeError) as error:
            raise Problem("wrong-state", str(error), status=409) from error
        report.refresh_from_db()
        return Response(_status(report), status=201)


@extend_schema(tags=["reports"])
class ReportEvidence(FileView):
    """Files for a report that was sent."""

    file_fields = ("evidence",)
    parser_classes = (BoundedMultiPartParser,)

    @extend_schema(
        operation_id="add_evidence",
        request=form_with_files(["receipt", "evidence"], receipt={"type": "string"}, evidence=FILES),
        responses={201: EvidenceDocument, 404: OpenApiResponse(description="unknown-receipt"), 422: WRONG},
    )
    def post(self, request: Request) -> Response:
        """Adds files to the report that the receipt belongs to, all or none."""
        report = _report_of(part(request, "receipt"), request)
        take(limits.MESSAGE, request)
        held = self.held(request)
        if not held:
            raise refused([("evidence", "Send a file.")])
        try:
            added = evidence.add_files(report=report, files=held)
        except RefusedFileError as error:
            raise refused([("evidence", str(error))]) from error
        return Response({"added": [{"name": one.name, "sha256": one.original_sha256} for one in added]}, status=201)


@extend_schema(tags=["reports"])
class ReportWithdrawal(PrivateView):
    """Taking a report back."""

    @extend_schema(
        operation_id="withdraw_report",
        request=ReceiptQuestion,
        responses={204: OpenApiResponse(description="Withdrawn; the receipt leads nowhere from now on")},
    )
    def post(self, request: Request) -> Response:
        """Withdraws the report and erases how to reach its reporter. What is public by then stays."""
        try:
            typed = ReceiptQuestion.model_validate(request.data).receipt
        except ValidationError as error:
            raise invalid_submission(error) from error
        withdrawal.withdraw(report=_report_of(typed, request))
        return Response(status=204)


def _say(report: Report, new: NewMessage) -> None:
    if new.kind == "evidence":
        conversation.add_evidence(report=report, text=new.text, links=new.links, once=new.once)
    elif new.kind == "appeal":
        appeals.appeal(report=report, text=new.text, once=new.once)
    else:
        conversation.answer(report=report, text=new.text, once=new.once)
