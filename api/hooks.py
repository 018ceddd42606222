"""What hubs tell this node by themselves."""

import hmac
from typing import Any

import structlog
from django.conf import settings
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.errors import Problem
from catalogue import webhooks

log = structlog.get_logger()

MOST_BYTES = 256_000


class HuggingFaceHook(APIView):
    """Events of the Hugging Face Hub, for whoever holds the secret that the operator gave it."""

    authentication_classes = ()
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Without a secret there is no such route; with one, nothing is read before it is shown."""
        secret = settings.HUB_WEBHOOK_SECRETS.get(webhooks.SLUG, "")
        if not secret:
            raise Http404
        # A header arrives as Latin-1, whatever its bytes.
        given = request.headers.get("X-Webhook-Secret", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, secret.encode()):
            raise Problem("wrong-secret", "This is not the secret of this webhook.", status=403)
        super().initial(request, *args, **kwargs)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """202 for every event, known model or not; a model that is known here is asked about soon."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            raise Problem("too-large", f"An event has at most {MOST_BYTES} bytes.", status=413)
        event = webhooks.read_event(request.data)
        if event is not None:
            known = webhooks.take(event)
            log.info("webhook", action=event.action, scope=event.scope, commit=event.commit, known=known)
        return Response({}, status=202)


urlpatterns = [path("huggingface", HuggingFaceHook.as_view(), name="hook-huggingface")]
