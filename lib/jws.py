"""JSON Web Signatures with Ed25519: one signer as flattened JSON, several as general JSON.

Formats: RFC 7515, 7.2 (serialisations), RFC 8037 (`EdDSA` and keys of type OKP), RFC 7638 (thumbprints, which name the
keys). Both serialisations are written in RFC 8785 form, and read in no other: one signature has one spelling.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lib.canonical import NotCanonicalError, canonical_bytes


class BadSignatureError(ValueError):
    """It is no JWS of ours, or a signature of it does not verify; the message says which."""


@dataclass(frozen=True)
class Signature:
    """One signature of an object: the key it names, what was signed, and the 64 bytes."""

    kid: str
    signed: bytes
    value: bytes


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of its public key (RFC 8032)."""
    return key.public_key().public_bytes_raw()


def jwk(public: bytes) -> dict[str, str]:
    """A public key as a JSON Web Key."""
    return {"crv": "Ed25519", "kty": "OKP", "x": encode(public)}


def thumbprint(public: bytes) -> str:
    """The key's RFC 7638 thumbprint, base64url: what `kid` says."""
    return encode(hashlib.sha256(canonical_bytes(jwk(public))).digest())


def sign(payload: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """The payload signed by these keys, as canonical JSON."""
    encoded = encode(payload)
    signatures = [_signature(encoded, key) for key in keys]
    if len(signatures) == 1:
        return canonical_bytes({"payload": encoded, **signatures[0]})
    return canonical_bytes({"payload": encoded, "signatures": signatures})


def _signature(encoded: str, key: Ed25519PrivateKey) -> dict[str, str]:
    protected = encode(canonical_bytes({"alg": "EdDSA", "kid": thumbprint(public_bytes(key))}))
    return {"protected": protected, "signature": encode(key.sign(f"{protected}.{encoded}".encode()))}


def read(text: bytes) -> tuple[bytes, list[Signature]]:
    """The payload of an object and its signatures, none of them checked yet; raises BadSignatureError."""
    try:
        parts = json.loads(text)
        if canonical_bytes(parts) != text:
            raise BadSignatureError("the object is not in canonical form")
        signed_by = parts.get("signatures", [parts])
        given = {"payload", "signatures"} if "signatures" in parts else {"payload", "protected", "signature"}
        if parts.keys() != given or not signed_by:
            raise BadSignatureError("the object is no flattened or general JWS")
        payload = decode(parts["payload"])
        return payload, [_read_signature(parts["payload"], one) for one in signed_by]
    except (KeyError, TypeError, AttributeError, RecursionError, NotCanonicalError, ValueError) as error:
        if isinstance(error, BadSignatureError):
            raise
        raise BadSignatureError("the object is no JWS") from error


def _read_signature(encoded: str, part: Mapping[str, Any]) -> Signature:
    header = json.loads(decode(part["protected"]))
    if header.keys() != {"alg", "kid"} or header["alg"] != "EdDSA":
        raise BadSignatureError("the protected header is not one of ours")
    return Signature(str(header["kid"]), f"{part['protected']}.{encoded}".encode(), decode(part["signature"]))


def check(signature: Signature, public: bytes) -> None:
    """Raises BadSignatureError unless that key made the signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature.value, signature.signed)
    except InvalidSignature as error:
        raise BadSignatureError(f"the signature of key {signature.kid} does not verify") from error


def check_all(signatures: Sequence[Signature], publics: Mapping[str, bytes]) -> None:
    """Raises BadSignatureError unless exactly these keys (by kid) signed, each once."""
    if sorted(one.kid for one in signatures) != sorted(publics):
        raise BadSignatureError("it is signed by other keys than it must be")
    for one in signatures:
        check(one, publics[one.kid])


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes again; raises BadSignatureError for any other spelling of them."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadSignatureError("it is not base64url") from error
    if encode(data) != text:
        raise BadSignatureError("it is not base64url")
    return data
