"""Links by which a model's publisher answers, once and without an account.

A link carries 192 random bits; stored is only an HMAC-SHA256 of them under the node's pepper, so neither the database
nor the log opens one. Whoever holds it answers for the publisher: the moderator who sends it sees to whom.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from lib.text import clean_line, clean_text
from reports import embargo
from reports.actors import NotReadyError, Software, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import LIVE, Case, ReplyLink

PUBLISHER = Software("publisher")
DAYS = 10
MOST_DAYS = 90


@dataclass(frozen=True)
class MadeLink:
    """A stored link; `token` is shown or mailed once and stored nowhere."""

    link: ReplyLink
    token: str


@transaction.atomic
def make_link(*, case: Case, by: User, publisher: str, address: str = "", days: int = DAYS) -> MadeLink:
    """A link for a publisher, mailed to `address` where one is given. Raises OSError where the mail cannot be sent."""
    require(by, "reports.publish")
    case = Case.objects.select_for_update().get(pk=case.pk)
    refuse_conflict(by, case=case)
    _refuse(case, publisher, days)
    token = secrets.token_urlsafe(24)
    now = timezone.now()
    link = ReplyLink.objects.create(
        case=case,
        key=_key(token),
        publisher=clean_line(publisher)[:200],
        mailed_to=address.rpartition("@")[2].lower(),
        shown=what_is_shown(case),
        made_by=by,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    how = f"mailed to somebody at {link.mailed_to}" if address else "to copy"
    record_activity(by, "offer a reply", case=case, note=f"to {link.publisher}, {how}, {days} days")
    if address:
        _mail(link, token, address)
    return MadeLink(link, token)


def _refuse(case: Case, publisher: str, days: int) -> None:
    problems = []
    if not clean_line(publisher):
        problems.append("name the publisher as the public should read it")
    if not 1 <= days <= MOST_DAYS:
        problems.append(f"a link is good for 1 to {MOST_DAYS} days")
    if not clean_line(case.title) or not clean_text(case.summary):
        problems.append("give the case a title and a summary first: the publisher reads them")
    if problems:
        raise NotReadyError(problems)
    if case.state not in LIVE:
        raise WrongStateError(f"case {case.pk} is {case.get_state_display().lower()}: there is nothing to reply to")


def what_is_shown(case: Case) -> dict[str, Any]:
    """What a publisher reads: the wording of this moment, and the models. Later drafts stay ours."""
    models = case.models.select_related("alias__model").order_by("pk")
    return {
        "title": clean_line(case.title),
        "summary": clean_text(case.summary),
        "description": clean_text(case.description),
        "category": case.category,
        "severity": case.severity,
        "models": [
            {
                "hub": model.alias.hub if model.alias else None,
                "name": clean_line(model.alias.model.name if model.alias else model.name),
                "revision": model.revision or None,
            }
            for model in models
        ],
    }


def address_of(token: str) -> str:
    """The whole address of a link."""
    return f"{settings.BASE_URL}/reply/{token}/"


def find_link(token: str) -> ReplyLink | None:
    """The link, while it is good; None for every other, whatever the reason."""
    good: QuerySet[ReplyLink] = ReplyLink.objects.filter(revoked_at=None, expires_at__gt=timezone.now())
    good = good.filter(case__state__in=LIVE).select_related("case__incident", "statement")
    return good.filter(key=_key(token)).first()


@transaction.atomic
def acknowledge(*, link: ReplyLink) -> None:
    """Notes, once, that the publisher has read it."""
    case = Case.objects.select_for_update().get(pk=link.case_id)
    now = timezone.now()
    if ReplyLink.objects.filter(pk=link.pk, acknowledged_at=None, revoked_at=None).update(acknowledged_at=now):
        record_activity(PUBLISHER, "acknowledge", case=case, note=f"by the link for {link.publisher}")


@transaction.atomic
def revoke(*, link: ReplyLink, by: User) -> None:
    """The link no longer leads anywhere."""
    require(by, "reports.publish")
    case = Case.objects.select_for_update().get(pk=link.case_id)
    if ReplyLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record_activity(by, "revoke a reply link", case=case, note=f"for {link.publisher}")


def _key(token: str) -> str:
    # Told apart from receipts, which are kept under the same pepper.
    return hmac.new(settings.RECEIPT_PEPPER.encode(), b"reply:" + token.encode(), hashlib.sha256).hexdigest()


def _mail(link: ReplyLink, token: str, address: str) -> None:
    if not settings.MAIL_ON:
        raise NotReadyError(["this node sends no mail: leave the address empty, and copy the link"])
    validate_email(address)
    holding = embargo.in_force(link.case)
    text = _MAIL.format(
        publisher=link.publisher,
        node=settings.NODE_TITLE,
        models="\n".join(f"- {model['name']}" for model in link.shown["models"]),
        address=address_of(token),
        expires=f"{link.expires_at:%Y-%m-%d %H:%M} UTC",
        embargo=f"Nothing is public before {holding.until:%Y-%m-%d %H:%M} UTC.\n\n" if holding else "",
    )
    send_mail(f"{settings.NODE_TITLE}: right of reply", text, settings.DEFAULT_FROM_EMAIL, [address])


_MAIL = """\
To {publisher}

{node} keeps a public register of incidents in open AI models. A case concerns:

{models}

{embargo}You can read what it says, and answer: your words are printed with the record. The address below works
without an account, once, until {expires}. Whoever holds it answers for you: pass it on with care.

{address}
"""
