"""What every button of the pages on other nodes shares: who pressed it, what is kept of that, what refuses."""

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import User
from federation.holding import NotHeldError
from federation.peering import PeeringError
from federation.quarantine import NotQuarantinedError
from incidents.foreign import NotTheirsError
from incidents.guard import LogRefusesError

log = structlog.get_logger()

# A verb's refusals: a message on the page, never an error page.
REFUSALS = (PeeringError, NotHeldError, NotQuarantinedError, NotTheirsError, LogRefusesError)


def actor(request: HttpRequest) -> User:
    """The account behind the request. The console has let it in already."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def note(request: HttpRequest, row: Model, done: str) -> None:
    """Keeps who did what, for the row's history."""
    by = actor(request)
    LogEntry.objects.log_actions(by.pk, [row], CHANGE, done)
    log.info("peer button", by=by.pk, row=str(row), done=done)


def sentence(error: Exception) -> str:
    """A refusal as a sentence."""
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
