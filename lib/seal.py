"""Sealing of small secrets (contact details, messages) with keys that live outside the database.

Format: Fernet tokens (https://github.com/fernet/spec), first key seals, every key opens, so keys can rotate. What is
sealed under a secret is a Fernet token within that one; its key is HMAC-SHA256(secret, "faultline seal").
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableSealError(ValueError):
    """None of the node's keys opens this."""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SEAL_KEYS])


def seal(text: str, *, under: str = "") -> bytes:
    """`text` sealed with the node's first key; with `under`, it takes that secret, too, to open."""
    data = text.encode()
    return _keys().encrypt(_key_of(under).encrypt(data) if under else data)


def unseal(token: bytes, *, under: str = "", seconds: int | None = None) -> str:
    """What was sealed, `under` the same secret, not more than so many `seconds` ago where they are given.

    Raises UnreadableSealError.
    """
    try:
        data = _keys().decrypt(bytes(token), ttl=seconds)
        return (_key_of(under).decrypt(data) if under else data).decode()
    except InvalidToken as error:
        raise UnreadableSealError("no key of this node opens this seal") from error


def _key_of(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"faultline seal", hashlib.sha256)))
