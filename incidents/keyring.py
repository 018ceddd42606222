"""The node's private keys: files in the log's folder that only its account reads, or the environment.

A key is a PKCS #8 file in PEM (RFC 5958, RFC 8410), so that openssl reads it, named by purpose and thumbprint. Which of
them counts is not said here but in the log: `incidents.keys`.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from incidents.guard import LogRefusesError, folder, write_durably
from incidents.keys import Key, Purpose
from lib.jws import decode, public_bytes, thumbprint


def make(purpose: Purpose) -> Ed25519PrivateKey:
    """A new key, on the disk before it is used."""
    private = Ed25519PrivateKey.generate()
    keys = folder() / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_durably(keys / _name(purpose, thumbprint(public_bytes(private))), pem)
    return private


def find(key: Key) -> Ed25519PrivateKey | None:
    """The private half of a key, None where this process has none."""
    for private in _from_environment():
        if public_bytes(private) == key.public:
            return private
    path = folder() / "keys" / _name(key.purpose, key.kid)
    if not path.exists():
        return None
    private = _load(path)
    if public_bytes(private) != key.public:
        raise LogRefusesError(f"the key in {path} is not the one its name says")
    return private


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise LogRefusesError(f"the key in {path} cannot be read") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise LogRefusesError(f"the key in {path} is not one of Ed25519")
    return private


def require(key: Key) -> Ed25519PrivateKey:
    """The private half of a key; raises LogRefusesError where it is missing."""
    private = find(key)
    if private is None:
        raise LogRefusesError(
            f"the {key.purpose} key {key.kid}, which the log names, is neither in {folder() / 'keys'} nor in "
            "FAULTLINE_NODE_KEYS: restore it"
        )
    return private


def initial(purpose: Purpose) -> Ed25519PrivateKey:
    """The key that a new log begins with: from the environment, in the order of the purposes, else one in a file."""
    given = _from_environment()
    place = list(Purpose).index(purpose)
    if place < len(given):
        return given[place]
    # One that was made for a log whose first entry was never committed will do.
    made = sorted((folder() / "keys").glob(f"{purpose}-*.pem"))
    return _load(made[0]) if made else make(purpose)


def _from_environment() -> list[Ed25519PrivateKey]:
    try:
        return [Ed25519PrivateKey.from_private_bytes(decode(seed)) for seed in settings.NODE_KEYS]
    except ValueError as error:
        raise LogRefusesError(
            "FAULTLINE_NODE_KEYS must hold seeds of 32 bytes in base64url, comma-separated"
        ) from error


def _name(purpose: Purpose, kid: str) -> str:
    return f"{purpose}-{kid}.pem"
