"""Telling people by mail of records that match a query: asked twice, sent when due, ended by one click.

An address is written to once to be asked whether it wants this; without its word nothing follows, and the row is
deleted. Whoever asks learns nothing of what else an address is subscribed to. Every mail carries the headers of
RFC 8058 (one-click unsubscribe), whose secret is known by its digest alone until it is needed for a mail.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from incidents import log as public_log
from lib.due import lease_next
from lib.language import speaking
from lib.seal import seal, unseal
from lib.wake import wake
from reports import news
from reports.models import Subscription

log = structlog.get_logger()

DAYS = (1, 7)
# Of one address: what it has not confirmed, and all it has.
MOST_UNCONFIRMED, MOST_OF_ONE = 3, 20
CONFIRM_WITHIN = timedelta(days=3)
MOST_ATTEMPTS = 14
MOST_RECORDS = 50
_MOST_AT_ONCE = 500
_PERMANENT = 500


class RefusedSubscriptionError(ValueError):
    """It is not taken; the error is a sentence for whoever asked."""


@transaction.atomic
def subscribe(*, address: str, query: str, days: int, language: str = settings.LANGUAGE_CODE) -> None:
    """Has an address asked whether it wants to hear of records that match; nothing if it was asked already.

    `query` is what `news.one_spelling` gave; the mails are in `language`. Raises RefusedSubscriptionError.
    """
    if not settings.MAIL_ON:
        raise RefusedSubscriptionError(_("This node sends no mail."))
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise RefusedSubscriptionError(_("This is not a mail address, such as name@example.org.")) from error
    if len(query) > news.MOST_QUERY or days not in DAYS:
        raise RefusedSubscriptionError(_("This query is too long to subscribe to."))
    key = salted_hmac("reports.subscriptions", address.lower(), algorithm="sha256").hexdigest()
    standing = Subscription.objects.filter(address_key=key)
    if standing.count() >= MOST_OF_ONE or standing.filter(confirmed_at=None).count() >= MOST_UNCONFIRMED:
        return
    token = secrets.token_urlsafe(24)
    Subscription.objects.get_or_create(
        address_key=key,
        query=query,
        defaults={
            "sealed": seal(json.dumps({"address": address, "token": token})),
            "token_digest": _digest(token),
            "days": days,
            "language": language,
        },
    )
    wake("subscription asked for")


def by_token(token: str) -> Subscription | None:
    """The subscription that a link in a mail is about."""
    return Subscription.objects.filter(token_digest=_digest(token)).first()


@transaction.atomic
def confirm(*, token: str) -> bool:
    """Begins it: records published from now on are told of. False where there is nothing to confirm."""
    found = Subscription.objects.select_for_update().filter(token_digest=_digest(token), confirmed_at=None)
    row = found.exclude(asked_at=None).first()
    if row is None:
        return False
    now = timezone.now()
    row.confirmed_at, row.told, row.due_at = now, public_log.head().number, now + timedelta(days=row.days)
    row.save(update_fields=["confirmed_at", "told", "due_at"])
    return True


def end(*, token: str) -> bool:
    """Forgets the subscription and its address. False where there was none."""
    return bool(Subscription.objects.filter(token_digest=_digest(token)).delete()[0])


def send_due() -> int:
    """Sends what is due; how many mails went out. Safe to run in any number of workers at once."""
    sent = 0
    for _turn in range(_MOST_AT_ONCE):
        lease = lease_next(Subscription.objects.all()) if settings.MAIL_ON else None
        if lease is None:
            return sent
        sent += _work(lease)
    wake("subscription asked for")
    return sent


def _work(lease: Subscription) -> bool:
    """Does what one leased row is due for. Errors are kept by type: texts name addresses."""
    try:
        with speaking(lease.language):
            return _ask(lease) if lease.confirmed_at is None else _tell(lease)
    except (SMTPException, OSError) as error:
        if _is_permanent(error) or lease.attempts >= MOST_ATTEMPTS:
            log.warning("subscription given up", subscription=lease.pk, error=type(error).__name__)
            _delete(lease)
        else:
            lease.postpone(type(error).__name__)
    except Exception as error:
        lease.fail(type(error).__name__)
        log.exception("subscription failed", subscription=lease.pk)
    return False


def _ask(lease: Subscription) -> bool:
    if lease.asked_at:
        _delete(lease)
        return False
    address, link = _opened(lease)
    text = _(
        "Somebody, probably you, asked %(node)s to write to this address of new records that match:\n\n%(query)s\n\n"
        "To begin, open this page and confirm:\n%(link)s\n\n"
        "If it was not you, do nothing: nothing follows, and this address is forgotten after three days."
    ) % {"node": settings.NODE_TITLE, "query": news.described(lease.query), "link": link}
    # Written down before it is sent: the answer may come before this worker goes on.
    Subscription.objects.filter(pk=lease.pk).update(asked_at=timezone.now())
    try:
        _mail(lease, address, _("Please confirm your subscription"), text, link).send()
    except (SMTPException, OSError):
        Subscription.objects.filter(pk=lease.pk, confirmed_at=None).update(asked_at=None)
        raise
    lease.done(next_due=timezone.now() + CONFIRM_WITHIN)
    return True


def _tell(lease: Subscription) -> bool:
    head = public_log.head().number
    found = news.changed(lease.query, after=lease.told, until=head, most=MOST_RECORDS + 1)
    if found:
        address, link = _opened(lease)
        lines = [_line(document) for document in found[:MOST_RECORDS]]
        if len(found) > MOST_RECORDS:
            lines.append(_("There are more; the list has all of them."))
        why = _("You subscribed to records that match %(query)s.\nTo stop: %(link)s")
        lines.append("-- \n" + why % {"query": news.described(lease.query), "link": link})
        subject = _("%(node)s: records new or changed") % {"node": settings.NODE_TITLE}
        _mail(lease, address, subject, "\n\n".join(lines), link).send()
    lease.done(next_due=timezone.now() + timedelta(days=lease.days), told=head)
    return bool(found)


def _line(document: Mapping[str, Any]) -> str:
    address = settings.BASE_URL + reverse("website:incident", args=[document["id"]])
    kind, severity, status = document["kind"], document["severity"], document["status"]
    standing = "" if status == "published" else f" ({pgettext('status', status)})"
    about = _("%(kind)s, severity %(severity)s")
    about %= {"kind": pgettext("kind", kind), "severity": pgettext("severity", severity)}
    return f"{document['title']}{standing}\n{about}\n{address}"


def _opened(lease: Subscription) -> tuple[str, str]:
    """The address, and the link by which it confirms and ends the subscription."""
    known = json.loads(unseal(bytes(lease.sealed)))
    return known["address"], settings.BASE_URL + reverse("website:subscription", args=[known["token"]])


def _mail(lease: Subscription, address: str, subject: str, text: str, link: str) -> EmailMessage:
    headers = {
        # The same for every try, so that a mail sent twice is shown once.
        "Message-ID": f"<subscription-{lease.pk}-{lease.told}@{settings.NODE_NAME}>",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return EmailMessage(subject, text, to=[address], headers=headers)


def _delete(lease: Subscription) -> None:
    # Only the holder of the lease ends it; and nobody who has confirmed meanwhile is forgotten.
    held = Subscription.objects.filter(pk=lease.pk, leased_until=lease.leased_until)
    held.filter(confirmed_at=lease.confirmed_at).delete()


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this recipient for good (RFC 5321, section 4.2.1: 5yz)."""
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= _PERMANENT for code, _text in error.recipients.values())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
