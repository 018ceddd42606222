"""Telling addresses of records that match a query: signed calls, asked for twice, repeated until they are taken.

Whoever asks gets a secret and a page of their own, by a link nobody else has. The address is called once with a
challenge, which it must repeat: without that nothing follows. From then on it is called with what is new or changed,
soon after it is public, in the order of the log. A call that fails is made again, with the same id and the same
records, later each time; in the end it is given up, which the page says, and can begin again where it stopped.

Bodies and headers are those of Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from incidents import log as public_log
from incidents.feeds import item
from incidents.publishing import instant
from lib.due import lease_next
from lib.http import CALL_ERRORS, RefusedAddressError, address_kind, outward_client
from lib.seal import seal, unseal
from lib.wake import wake
from reports import news
from reports.models import Webhook

log = structlog.get_logger()

MOST_ADDRESS = 500
# Of one host: what it has not confirmed, and all it has.
MOST_UNCONFIRMED, MOST_OF_ONE = 3, 50
# Entries of the log that one call tells of; what is more follows at once in another.
MOST_ENTRIES = 100
CALL_SECONDS, MOST_ANSWER = 15.0, 16_000
# Hours from one try to the next; after the last one it is given up. Half of it is chance, so that none are in step.
WAITS = (0.01, 0.1, 0.5, 2, 5, 10, 14, 20, 24)
CHALLENGES = 5
IDLE = timedelta(hours=6)
FORGOTTEN_AFTER, UNANSWERED_FORGOTTEN_AFTER = timedelta(days=30), timedelta(days=1)
_MOST_AT_ONCE = 500
_SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with


class RefusedWebhookError(ValueError):
    """It is not taken; the error is a sentence for whoever asked."""


class NotTakenError(RuntimeError):
    """The address did not take a call; the message says what it did, without naming it."""

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final


@dataclass(frozen=True)
class Made:
    """A new webhook: the secret that signs its calls, and that of its page. Both are shown once."""

    secret: str
    token: str


@dataclass(frozen=True)
class _Opened:
    url: str
    secret: str
    token: str


@transaction.atomic
def ask(*, url: str, query: str) -> Made:
    """Has an address asked whether it wants to be called. `query` is what `news.one_spelling` gave.

    Raises RefusedWebhookError.
    """
    url = url.strip()
    host = _checked(url).hostname or ""
    if len(query) > news.MOST_QUERY:
        raise RefusedWebhookError(_("This query is too long to subscribe to."))
    key = salted_hmac("reports.webhooks", host.lower(), algorithm="sha256").hexdigest()
    standing = Webhook.objects.filter(address_key=key)
    if standing.count() >= MOST_OF_ONE or standing.filter(confirmed_at=None).count() >= MOST_UNCONFIRMED:
        raise RefusedWebhookError(_("This host has as many webhooks as it may have. End one, or wait for two days."))
    made = Made(_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode(), secrets.token_urlsafe(24))
    Webhook.objects.create(
        sealed=seal(json.dumps({"url": url, "secret": made.secret, "token": made.token})),
        address_key=key,
        token_digest=_digest(made.token),
        query=query,
    )
    wake("webhook asked for")
    return made


def by_token(token: str) -> Webhook | None:
    """The webhook that a page is of."""
    return Webhook.objects.filter(token_digest=_digest(token)).first()


def host_of(row: Webhook) -> str:
    """The host that is called, for the owner's page; the rest of an address may be a secret."""
    return urlsplit(_opened(row).url).hostname or ""


@transaction.atomic
def begin_again(*, token: str) -> bool:
    """Tries at once, from where it stopped. False where there is nothing to try."""
    row = Webhook.objects.select_for_update().filter(token_digest=_digest(token), leased_until=None).first()
    if row is None or not (row.stopped_at or row.last_error):
        return False
    row.stopped_at = None
    row.save(update_fields=["stopped_at"])
    row.retry_now()
    wake("webhook asked for")
    return True


def end(*, token: str) -> bool:
    """Forgets the webhook, its address and its secret. False where there was none."""
    return bool(Webhook.objects.filter(token_digest=_digest(token)).delete()[0])


def deliver_due() -> int:
    """Makes the calls that are due; how many were taken. Safe to run in any number of workers at once."""
    _wake_those_behind()
    taken = 0
    for _turn in range(_MOST_AT_ONCE):
        lease = lease_next(Webhook.objects.all())
        if lease is None:
            return taken
        taken += _work(lease)
    wake("webhook asked for")
    return taken


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` ("Standard Webhooks", Signature scheme): HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _wake_those_behind() -> None:
    """Those that wait for news are due once the log has grown; those that wait after a failure go on waiting."""
    behind = Webhook.objects.filter(confirmed_at__isnull=False, stopped_at=None, attempts=0, leased_until=None)
    now = timezone.now()
    behind.filter(told__lt=public_log.head().number, due_at__gt=now).update(due_at=now)


def _work(lease: Webhook) -> bool:
    """Does what one leased row is due for. Errors are kept without the address."""
    try:
        if lease.stopped_at:
            Webhook.objects.filter(pk=lease.pk, leased_until=lease.leased_until, stopped_at=lease.stopped_at).delete()
            return False
        return _challenge(lease) if lease.confirmed_at is None else _tell(lease)
    except NotTakenError as error:
        _put_off(lease, error)
    except Exception as error:
        lease.fail(type(error).__name__)
        log.exception("webhook failed", webhook=lease.pk)
    return False


def _challenge(lease: Webhook) -> bool:
    """Asks the address to repeat something it cannot guess (the second of two times that somebody asks for this)."""
    challenge = secrets.token_urlsafe(24)
    opened = _opened(lease)
    body = _body(lease, opened, "webhook.challenge", {"challenge": challenge})
    answer = _call(opened, f"challenge_{lease.pk}_{secrets.token_hex(6)}", body)
    if not hmac.compare_digest(_repeated(answer).encode(), challenge.encode()):
        raise NotTakenError(_("It did not repeat the challenge."))
    now = timezone.now()
    lease.done(next_due=now + IDLE, confirmed_at=now, told=public_log.head().number)
    return True


def _tell(lease: Webhook) -> bool:
    head = public_log.head().number
    if lease.until is None:
        until = min(head, lease.told + MOST_ENTRIES)
        if until <= lease.told:
            lease.done(next_due=timezone.now() + IDLE)
            return False
        # Kept before the call: every try of a message has the same id and tells of the same entries.
        Webhook.objects.filter(pk=lease.pk, leased_until=lease.leased_until).update(until=until)
        lease.until = until
    found = news.changed(lease.query, after=lease.told, until=lease.until, most=MOST_ENTRIES, with_withdrawn=True)
    now = timezone.now()
    next_due = now if lease.until < head else now + IDLE
    if not found:
        lease.done(next_due=next_due, told=lease.until, until=None)
        return False
    opened = _opened(lease)
    data = {
        "node": settings.BASE_URL,
        "log_number": lease.until,
        "items": [item(settings.BASE_URL, document) for document in found[::-1]],
    }
    _call(opened, f"records_{lease.pk}_{lease.told}_{lease.until}", _body(lease, opened, "records.changed", data))
    lease.done(next_due=next_due, told=lease.until, until=None, delivered_at=now)
    return True


def _body(lease: Webhook, opened: _Opened, kind: str, data: Mapping[str, Any]) -> bytes:
    page = settings.BASE_URL + reverse("website:webhook", args=[opened.token])
    content = {
        "type": kind,
        "timestamp": instant(timezone.now()),
        "data": {**data, "query": lease.query, "unsubscribe_url": page},
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _call(opened: _Opened, message_id: str, body: bytes) -> bytes:
    """The answer's body to a signed POST. Raises NotTakenError for all but 2xx."""
    timestamp = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Faultline (+{settings.BASE_URL})",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(opened.secret, message_id, timestamp, body),
    }
    also = ("loopback",) if settings.WEBHOOKS_LOCAL else ()
    try:
        with outward_client(seconds=CALL_SECONDS, most_bytes=MOST_ANSWER, also=also) as client:
            answer = client.post(opened.url, content=body, headers=headers)
    except RefusedAddressError as error:
        raise NotTakenError(_("Its host is not on the public internet.")) from error
    except CALL_ERRORS as error:
        raise NotTakenError(_("It could not be reached, or its answer broke off.")) from error
    if not answer.is_success:
        is_final = answer.status_code == HTTPStatus.GONE
        raise NotTakenError(_("It answered %(status)d.") % {"status": answer.status_code}, is_final=is_final)
    return bytes(answer.content)


def _repeated(answer: bytes) -> str:
    """The challenge in an answer: of a JSON object, or all there is as text."""
    text = answer.decode("utf-8", errors="replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = value.get("challenge") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _put_off(lease: Webhook, error: NotTakenError) -> None:
    """Later, or never again: after the last try, or where the address says that it is gone."""
    most = len(WAITS) if lease.confirmed_at else CHALLENGES
    if error.is_final or lease.attempts >= most:
        log.info("webhook given up", webhook=lease.pk, attempts=lease.attempts)
        kept = FORGOTTEN_AFTER if lease.confirmed_at else UNANSWERED_FORGOTTEN_AFTER
        if lease.done(next_due=timezone.now() + kept, stopped_at=timezone.now()):
            Webhook.objects.filter(pk=lease.pk, leased_until=None).update(last_error=str(error)[:500])
        return
    hours = WAITS[lease.attempts - 1]
    lease.postpone(str(error), at_least=hours * 3600 * (1 + secrets.randbelow(500) / 1000))


def _checked(url: str) -> SplitResult:
    """The parts of an address that can be called. Raises RefusedWebhookError."""
    not_an_address = _("This is not an address that can be called, such as https://example.org/hooks/faultline.")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError as error:
        raise RefusedWebhookError(not_an_address) from error
    schemes = {"https", "http"} if settings.WEBHOOKS_LOCAL else {"https"}
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MOST_ADDRESS
    if not is_plain or not parts.hostname or parts.scheme not in {"https", "http"} or parts.fragment:
        raise RefusedWebhookError(not_an_address)
    if parts.scheme not in schemes:
        raise RefusedWebhookError(_("Only addresses with https are called: what is sent must reach nobody else."))
    if "@" in parts.netloc:
        raise RefusedWebhookError(_("Leave the user and the password out of the address: calls are signed instead."))
    if _is_inside(parts.hostname):
        raise RefusedWebhookError(_("This address is not on the public internet."))
    return parts


def _is_inside(host: str) -> bool:
    """Whether the host is an IP address that is not called. Names are looked at when they are called, each time."""
    try:
        kind = address_kind(str(ip_address(host)))
    except ValueError:
        return False
    return kind != "public" and not (kind == "loopback" and settings.WEBHOOKS_LOCAL)


def _opened(row: Webhook) -> _Opened:
    return _Opened(**json.loads(unseal(bytes(row.sealed))))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
