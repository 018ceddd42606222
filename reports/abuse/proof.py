"""Proof of work: ALTCHA's protocol, version 2 (https://altcha.org/docs/v2/), with PBKDF2/SHA-256.

A challenge is signed, runs out, is for one purpose, and counts once: its nonce is kept until it has run out. It costs
us nothing to make and one derivation to check. It gets dearer for a network that asks for many.
"""

import hashlib
import hmac
import time
from typing import Any

from altcha import Payload, create_challenge, verify_solution
from django.conf import settings

from lib.limits import asked
from lib.store import key, store
from reports.abuse import Proof, limits

PURPOSE = "report"
ALIVE_SECONDS = 1200
# Iterations of one derivation; on average 256 of them find a key that begins with a zero byte.
COST = 3000
_PREFIX = "00"
_DEARER_EVERY, _DEAREST = 10, 4
_LONGEST = 4000


def new_challenge(network: str) -> dict[str, Any]:
    """A challenge as ALTCHA's clients read it."""
    level = min(limits.used(limits.CHALLENGE, network) // _DEARER_EVERY, _DEAREST)
    challenge = create_challenge(
        "PBKDF2/SHA-256",
        COST * 2**level,
        key_prefix=_PREFIX,
        expires_at=int(time.time()) + ALIVE_SECONDS,
        data={"for": PURPOSE},
        hmac_secret=_secret(),
    )
    return dict(challenge.to_dict())


def check(sent: str) -> Proof:
    """What the base64 payload of a client is worth. A proof that was worth something is worth nothing afterwards."""
    if not sent:
        return Proof.MISSING
    parameters = _verified(sent)
    if parameters is None or parameters.data != {"for": PURPOSE}:
        return Proof.REFUSED
    used = key("proof", parameters.nonce)
    left = max(int(parameters.expires_at - time.time()), 0) + 60
    fresh = asked(lambda: bool(store().set(used, 1, nx=True, ex=left)), None)
    if fresh is None:
        return Proof.UNCHECKED
    return Proof.GIVEN if fresh else Proof.REPLAYED


def _verified(sent: str) -> Any | None:
    """The parameters of the challenge that was solved; None if it was not ours, has run out, or is not solved."""
    if len(sent) > _LONGEST:
        return None
    try:
        payload = Payload.from_base64(sent)
        verified = verify_solution(payload, _secret()).verified
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return payload.challenge.parameters if verified else None


def _secret() -> str:
    # Never empty: ALTCHA's library would then sign nothing.
    return hmac.new(settings.SECRET_KEY.encode(), b"proof of work", hashlib.sha256).hexdigest()
