"""Sealing of small secrets at rest (contact details) with keys that live outside the database.

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


def unseal(token: bytes) -> str:
    """What was sealed; raises UnreadableSealError."""
    try:
        return _keys().decrypt(bytes(token)).decode()
    except InvalidToken as error:
        raise UnreadableSealError("no key of this node opens this seal") from error
