"""Reports that are still being written: kept on the server, sealed, and forgotten when due.

A draft belongs to one browser, which holds its token in a cookie. The node stores an HMAC of the token and the
answers, sealed under the token: neither the database nor the node's keys open them without the browser. Sending a draft
stores the report and puts the receipt in the answers' place, in one transaction under a row lock: however often a draft
is sent, even at the same moment, one report comes of it, and the browser can be shown its receipt again until that,
too, is forgotten.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from lib.canonical import canonical_bytes
from lib.seal import UnreadableSealError, seal, unseal
from lib.wake import wake
from reports.models import Draft
from reports.workflow import Submitted

KEPT = timedelta(hours=72)  # after the last change
RECEIPT_KEPT = timedelta(minutes=15)
MOST_CHARACTERS = 1_500_000

# What was entered: by step, by field, as a browser posts it.
Answers = Mapping[str, Mapping[str, list[str]]]


class NoDraftError(LookupError):
    """There is no such draft, or no longer."""


class ChangedDraftError(ValueError):
    """The draft is not the one that was looked at before sending."""


class TooLargeDraftError(ValueError):
    """The answers together are longer than a draft can be."""


@dataclass(frozen=True)
class Written:
    """What a draft holds: the answers, or once it was sent the receipt. `seal` names this state of it."""

    started_at: datetime
    answers: Answers = field(default_factory=dict)
    receipt: str = ""
    seal: str = ""


def start(answers: Answers | None = None) -> str:
    """Starts a draft, empty or with answers to begin with; the token its browser keeps."""
    token = secrets.token_urlsafe(32)
    sealed = _closed(token, {"answers": answers or {}})
    Draft.objects.create(key=_key(token), sealed=sealed, due_at=timezone.now() + KEPT)
    wake("draft started")
    return token


def read(token: str) -> Written | None:
    """What the draft holds; None if there is none, or none any more."""
    row = _rows(token).first()
    return _opened(token, row) if row else None


@transaction.atomic
def keep(token: str, step: str, answers: Mapping[str, list[str]], *, staying: Collection[str] = ()) -> None:
    """Keeps one step's answers in the place of those before, but for the fields that are `staying`.

    Raises NoDraftError where there is no draft or it was sent, and TooLargeDraftError.
    """
    row, written = _locked(token)
    if written.receipt:
        raise NoDraftError("the draft was sent")
    stayed = {name: given for name, given in written.answers.get(step, {}).items() if name in staying}
    changed = {**written.answers, step: {**answers, **stayed}}
    if len(json.dumps(changed)) > MOST_CHARACTERS:
        raise TooLargeDraftError(f"a draft holds at most {MOST_CHARACTERS} characters")
    row.sealed, row.due_at = _closed(token, {"answers": changed}), timezone.now() + KEPT
    row.save(update_fields=["sealed", "due_at"])


@transaction.atomic
def send(token: str, looked_at: str, submit: Callable[[Answers], Submitted]) -> None:
    """Stores the report once, and keeps its receipt for a while; nothing if that has happened already.

    `looked_at` is the `seal` of the draft that the reporter saw. `submit` is called at most once for a draft that is
    sent, within the transaction. Raises NoDraftError, ChangedDraftError, and whatever `submit` raises.
    """
    row, written = _locked(token)
    if written.receipt:
        return
    if not hmac.compare_digest(written.seal, looked_at):
        raise ChangedDraftError("the draft has changed since")
    submitted = submit(written.answers)
    now = timezone.now()
    row.sealed, row.sent_at, row.due_at = _closed(token, {"receipt": submitted.receipt}), now, now + RECEIPT_KEPT
    row.save(update_fields=["sealed", "sent_at", "due_at"])


@transaction.atomic
def discard(token: str) -> Answers:
    """Deletes the draft, or the receipt that is left of it; the answers that were not sent."""
    row = _rows(token).select_for_update().first()
    written = _opened(token, row) if row else None
    Draft.objects.filter(key=_key(token)).delete()
    return written.answers if written else {}


def forget_due() -> int:
    """Deletes every draft that is due; how many. Safe in any number of workers at once."""
    with transaction.atomic():
        due = Draft.objects.filter(due_at__lte=timezone.now()).select_for_update(skip_locked=True)
        return Draft.objects.filter(pk__in=[row.pk for row in due.only("pk")]).delete()[0]


def _rows(token: str) -> QuerySet[Draft]:
    return Draft.objects.filter(key=_key(token), due_at__gt=timezone.now())


def _locked(token: str) -> tuple[Draft, Written]:
    row = _rows(token).select_for_update().first()
    if row is None or (written := _opened(token, row)) is None:
        raise NoDraftError("there is no such draft")
    return row, written


def _key(token: str) -> str:
    return hmac.new(settings.RECEIPT_PEPPER.encode(), b"draft " + token.encode(), hashlib.sha256).hexdigest()


def _closed(token: str, content: Mapping[str, Any]) -> bytes:
    return seal(json.dumps(content), under=token)


def _opened(token: str, row: Draft) -> Written | None:
    try:
        content = json.loads(unseal(bytes(row.sealed), under=token))
    except UnreadableSealError:  # by a key that the operator has taken out
        return None
    answers = content.get("answers", {})
    state = hmac.new(token.encode(), canonical_bytes(answers), hashlib.sha256).hexdigest()
    return Written(row.started_at, answers, content.get("receipt", ""), state)
