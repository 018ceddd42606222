"""Sealing of small secrets (contact details, messages) with keys that live outside the database.

Format: Fernet tokens (https://github.com/fernet/spec), first key seals, every key opens, so keys can rotate.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableSealError(ValueError):
    """None of the node's keys opens this."""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SEAL_KEYS])


def seal(text: str) -> bytes:
    """`text` sealed with the node's first key."""
    return _keys().encrypt(text.encode())


def unseal(token: bytes, *, seconds: int | None = None) -> str:
    """What was sealed, not more than so many `seconds` ago where they are given; raises UnreadableSealError."""
    try:
        return _keys().decrypt(bytes(token), ttl=seconds).decode()
    except InvalidToken as error:
        raise UnreadableSealError("no key of this node opens this seal") from error
