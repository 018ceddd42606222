"""Canonical bytes of a document, and the digests and chain built on them.

Formats: RFC 8785 (JSON Canonicalization Scheme) over I-JSON (RFC 7493); SHA-256 (FIPS 180-4), written in hex.
"""

import hashlib
from typing import Any

import rfc8785


class NotCanonicalError(ValueError):
    """The value has no RFC 8785 form: NaN, an integer beyond 2^53, a lone surrogate, or a type JSON lacks."""


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`; raises NotCanonicalError."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise NotCanonicalError(str(error)) from error


def digest(data: bytes) -> str:
    """SHA-256 of `data`, 64 hex characters."""
    return hashlib.sha256(data).hexdigest()


def chain(previous: str, leaf: bytes) -> str:
    """The next link of a digest chain: SHA-256 over the previous link's 32 bytes, then the leaf.

    `previous` is 64 hex characters, or "" before the first leaf (32 zero bytes are then hashed).
    """
    return digest((bytes.fromhex(previous) if previous else bytes(32)) + leaf)
