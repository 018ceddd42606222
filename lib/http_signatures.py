"""Requests between nodes, signed and verified: HTTP Message Signatures (RFC 9421) with Ed25519, over Content-Digest
(RFC 9530).

What is signed is the method, the host, the path and the body; of when and what for: `created`, `expires`, `nonce` and
`tag`. Scheme and port of a proxy in between are nobody's business here.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException

# How long a signature counts, and by how much two clocks may differ.
LIFETIME = timedelta(seconds=300)
_COVERED = ("@method", "@authority", "@path", "content-digest")


class BadRequestSignatureError(ValueError):
    """The request is not signed as it must be; the message says how it fails."""


@dataclass
class Message:
    """What of a request is signed."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = LIFETIME


def signed_headers(url: str, body: bytes, *, private: Ed25519PrivateKey, kid: str, tag: str) -> dict[str, str]:
    """The headers of a POST of that body by the holder of a key."""
    message = Message("POST", url)
    now = datetime.now(UTC)
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={kid: private})
    )
    signer.sign(
        message,
        key_id=kid,
        created=now,
        expires=now + LIFETIME,
        nonce=secrets.token_urlsafe(16),
        tag=tag,
        covered_component_ids=_COVERED,
        body=body,
    )
    return message.headers


def verify(message: Message, body: bytes, *, keys: Mapping[str, bytes], tag: str) -> str:
    """The nonce of a request that one of these keys, by their kid, signed for that purpose a moment ago.

    Raises BadRequestSignatureError.
    """
    public = {kid: Ed25519PublicKey.from_public_bytes(key) for kid, key in keys.items()}
    verifier = _Verifier(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys=public, private_keys={})
    )
    try:
        (found,) = verifier.verify(message, max_age=LIFETIME, expect_tag=tag, require_components=_COVERED, body=body)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise BadRequestSignatureError(str(error)) from error
    if not found.nonce:
        raise BadRequestSignatureError("the signature has no nonce")
    return str(found.nonce)
