"""Submitting a report. With `api.threads` the only modules of the API that reach private rows."""

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, ValidationError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import invalid_submission
from lib.network import network_of
from reports import abuse, workflow
from reports.abuse import Facts, Proof, limits, proof
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


def take(what: str, request: Request) -> None:
    """Takes one call of its network from a budget; raises Throttled, a 429 with Retry-After."""
    if wait := limits.take(what, network(request)):
        raise Throttled(wait)


@extend_schema(tags=["reports"])
class ReportList(PrivateView):
    """Reports in."""

    @extend_schema(
        operation_id="submit_report",
        request=Submission,
        parameters=[OpenApiParameter(PROOF_HEADER, str, OpenApiParameter.HEADER, description="A solved challenge.")],
        responses={
            201: ReceiptDocument,
            422: OpenApiResponse(description="problem+json: what is wrong with which field"),
        },
    )
    def post(self, request: Request) -> Response:
        """Stores a report and answers with its receipt. A proof of work (`/reports/challenge`) raises the limits."""
        try:
            submission = Submission.model_validate(request.data)
        except ValidationError as error:
            raise invalid_submission(error) from error
        facts = Facts(proof.check(request.headers.get(PROOF_HEADER, "")))
        take(limits.SUBMIT, request)
        if facts.proof not in (Proof.GIVEN, Proof.UNCHECKED):
            take(limits.UNPROVEN, request)
        submitted = workflow.submit(submission=submission, source="api", suspicion=abuse.judge(facts, submission))
        return Response({"receipt": submitted.receipt, "status": "received"}, status=201)


@extend_schema(tags=["reports"])
class ChallengeDetail(PrivateView):
    """A proof of work, for tools that report often."""

    @extend_schema(operation_id="get_challenge", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """A challenge of ALTCHA's protocol, version 2. Its solution, base64, goes into the header `Proof-Of-Work`."""
        take(limits.CHALLENGE, request)
        return Response(proof.new_challenge(network(request)))
