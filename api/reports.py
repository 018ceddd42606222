"""Submitting a report, and following it by its receipt. The only API module that reaches private rows."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import Problem, invalid_submission
from reports import notices, workflow
from reports.submission import Submission


class ReceiptDocument(BaseModel):
    """The receipt: shown once, stored nowhere. Whoever holds it can follow the report."""

    receipt: str
    status: str = "received"


class ReceiptQuestion(BaseModel):
    """A receipt code."""

    model_config = ConfigDict(extra="forbid")

    receipt: str


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


@extend_schema(tags=["reports"])
class ReportList(_PrivateView):
    """Reports in."""

    @extend_schema(
        operation_id="submit_report",
        request=Submission,
        responses={
            201: ReceiptDocument,
            422: OpenApiResponse(description="problem+json: what is wrong with which field"),
        },
    )
    def post(self, request: Request) -> Response:
        """Stores a report and answers with its receipt."""
        try:
            submission = Submission.model_validate(request.data)
        except ValidationError as error:
            raise invalid_submission(error) from error
        submitted = workflow.submit(submission=submission, source="api")
        return Response({"receipt": submitted.receipt, "status": "received"}, status=201)


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
            raise Problem(
                "unknown-receipt", "No report has this receipt. Check it for mistyped characters.", status=404
            )
        return Response(
            {
                "state": notice.state,
                "text": notice.text,
                "submitted": notice.submitted,
                "incidents": list(notice.incidents),
            }
        )
