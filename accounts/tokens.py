"""API tokens: made, shown once, recognised, revoked.

A token is `fl_<prefix>_<secret><checksum>`: 8 characters that find its row, 43 that are the secret (62^43 > 2^256), and
the CRC-32 of all before as 6 digits, all of base 62 (0-9 A-Z a-z). So a scanner for secrets knows one without asking
us, and a typing error is told apart from a token that is no longer good: the form that GitHub's tokens have
(https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiToken, Scope, User

PATTERN = r"fl_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}"
MOST_TOKENS = 20
LIFETIMES = (7, 30, 90, 365)
# How long a token that is no longer good stays in its owner's list.
KEPT = timedelta(days=90)

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX, _SECRET, _CHECKSUM = 8, 43, 6


class TokenRefusedError(Exception):
    """A token that opens nothing: `kind` is malformed-token, unknown-token, expired-token or revoked-token."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class TokenNotMadeError(ValueError):
    """Why a token was not made, as a sentence for its owner."""


@transaction.atomic
def create(*, user: User, name: str, scopes: Iterable[Scope], days: int) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can read again. Raises TokenNotMadeError."""
    now = timezone.now()
    User.objects.select_for_update().get(pk=user.pk)  # two at once must not pass the limit together
    _forget_old(user, now)
    if user.api_tokens.filter(revoked_at=None, expires_at__gt=now).count() >= MOST_TOKENS:
        raise TokenNotMadeError(f"An account has at most {MOST_TOKENS} tokens. Revoke one that you no longer use.")
    text = _new_text()
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                user=user,
                name=name,
                prefix=_prefix_of(text),
                digest=_digest(text),
                scopes=sorted(set(scopes)),
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
    except IntegrityError as error:
        raise TokenNotMadeError("You have a token of this name. Revoke it first, or choose another name.") from error
    return token, text


def revoke(token: ApiToken) -> None:
    """Ends a token at once, for good."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def recognise(text: str) -> ApiToken:
    """The token with this text, with its user; notes the day of use. Raises TokenRefusedError."""
    if not re.fullmatch(PATTERN, text) or text[-_CHECKSUM:] != _checksum(text[:-_CHECKSUM]):
        raise TokenRefusedError("malformed-token", "This is no token of ours: a character is missing or mistyped.")
    token = ApiToken.objects.select_related("user").filter(prefix=_prefix_of(text)).first()
    if token is None or not hmac.compare_digest(token.digest, _digest(text)):
        raise TokenRefusedError("unknown-token", "This node knows no such token.")
    if token.has_expired:
        raise TokenRefusedError("expired-token", f"This token expired on {token.expires_at:%Y-%m-%d}.")
    if token.revoked_at is not None or not token.user.is_active:
        raise TokenRefusedError("revoked-token", "This token was revoked.")
    _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    today = timezone.now().date()
    if token.last_used_on != today:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)


def _forget_old(user: User, now: datetime) -> None:
    user.api_tokens.filter(expires_at__lt=now - KEPT).delete()
    user.api_tokens.filter(revoked_at__lt=now - KEPT).delete()
    # An expired token keeps nobody from using its name again.
    user.api_tokens.filter(revoked_at=None, expires_at__lte=now).update(revoked_at=now)


def _new_text() -> str:
    begun = f"fl_{_random(_PREFIX)}_{_random(_SECRET)}"
    return begun + _checksum(begun)


def _random(length: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


def _prefix_of(text: str) -> str:
    return text.split("_")[1]


def _checksum(begun: str) -> str:
    number, digits = zlib.crc32(begun.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
