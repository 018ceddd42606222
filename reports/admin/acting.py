"""What every button of the console shares: who pressed it, and how a refusal reaches them."""

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User
from incidents.guard import LogRefusesError
from incidents.publishing import NotPublishableError
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.conversation import RefusedMessageError
from reports.workflow import Move

# A verb's refusals: a message on the page, never an error page.
REFUSALS = (
    *(NotAllowedError, NotReadyError, WrongStateError, NotPublishableError, RefusedMessageError),
    LogRefusesError,
)

# Of every number that fits PostgreSQL's bigint.
_MOST_DIGITS = 18


def actor(request: HttpRequest) -> User:
    """The account behind the request. The console has let it in already."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def sentence(error: Exception) -> str:
    """A refusal as a sentence."""
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def key_in(text: str) -> int | None:
    """A primary key as a form sends it; None for anything else, or for what no column holds."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def open_moves(moves: Mapping[str, Move], state: str, by: User) -> set[str]:
    """The verbs that `by` may use from that state."""
    return {verb for verb, move in moves.items() if state in move.before and by.has_perm(move.permission)}
