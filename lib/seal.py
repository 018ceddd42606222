"""Sealing at rest with keys that live outside the database: the first key seals, every key opens, so keys can rotate.

Small secrets (contact details, messages, drafts) become Fernet tokens (https://github.com/fernet/spec). What is sealed
under a secret is a Fernet token within that one; its key is HMAC-SHA256(secret, "faultline seal"). Files become a
header, a nonce of 96 random bits, and AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) derives
from the node's.
"""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_HEADER = b"faultline sealed file 1\n"
_NONCE_BYTES = 12


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


def _file_cipher(key: str) -> AESGCM:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_HEADER)
    return AESGCM(derive.derive(base64.urlsafe_b64decode(key)))


def seal_file(content: bytes) -> bytes:
    """A file's `content` sealed with the node's first key."""
    nonce = os.urandom(_NONCE_BYTES)
    return _HEADER + nonce + _file_cipher(settings.SEAL_KEYS[0]).encrypt(nonce, content, _HEADER)


def unseal_file(sealed: bytes) -> bytes:
    """The file that was sealed; raises UnreadableSealError, also where a bit of it has changed."""
    start = len(_HEADER) + _NONCE_BYTES
    nonce = sealed[len(_HEADER) : start]
    if sealed.startswith(_HEADER) and len(nonce) == _NONCE_BYTES:
        for key in settings.SEAL_KEYS:
            try:
                return _file_cipher(key).decrypt(nonce, sealed[start:], _HEADER)
            except InvalidTag:
                continue
    raise UnreadableSealError("no key of this node opens this seal")
