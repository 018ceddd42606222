"""The node's public keys as the log states them: each key event is an entry that lists all keys and when each counts.

A signature is judged by the key that counts at the index it stands at, so rotating a key, or revoking it from an index
on, is one more entry, and every reader comes to the same verdict. Plain data.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from lib.canonical import canonical_bytes
from lib.jws import BadSignatureError, decode, jwk, thumbprint

SCHEMA: Literal["faultline/keys/1"] = "faultline/keys/1"
_KEY_BYTES = 32


class Purpose(StrEnum):
    """What a key signs: checkpoints, objects, or requests to other nodes."""

    LOG = "log"
    RECORD = "record"
    HTTP = "http"


@dataclass(frozen=True)
class Key:
    """A public key and the entries it counts for: from index `start` on, to before `end` where that is set."""

    purpose: Purpose
    public: bytes
    start: int
    end: int | None = None
    revoked: bool = False

    @property
    def kid(self) -> str:
        """Its RFC 7638 thumbprint."""
        return thumbprint(self.public)

    def counts_at(self, index: int) -> bool:
        """Whether it counts for the entry at this index."""
        return self.start <= index and (self.end is None or index < self.end)

    def document(self) -> dict[str, Any]:
        """As key events, the node document and `node_key list` state it."""
        return {
            "end": self.end,
            "jwk": jwk(self.public),
            "kid": self.kid,
            "purpose": self.purpose.value,
            "revoked": self.revoked,
            "start": self.start,
        }


@dataclass(frozen=True)
class KeySet:
    """All keys a log ever had, as its latest key event states them."""

    origin: str
    keys: tuple[Key, ...]

    def in_force(self, purpose: Purpose) -> Key:
        """The key that signs now."""
        return next(key for key in self.keys if key.purpose is purpose and key.end is None)

    def at(self, purpose: Purpose, index: int) -> Key | None:
        """The key that counts at an index; None where every one was revoked there."""
        return next((key for key in self.keys if key.purpose is purpose and key.counts_at(index)), None)

    def of(self, purpose: Purpose) -> tuple[Key, ...]:
        """Every key of this purpose, oldest first."""
        return tuple(key for key in self.keys if key.purpose is purpose)

    def replaced(self, purpose: Purpose, public: bytes, *, at: int, from_index: int | None = None) -> "KeySet":
        """With another key in force from entry `at` on; the old one ends there, or as revoked at `from_index`."""
        old = self.in_force(purpose)
        ended = replace(old, end=at if from_index is None else from_index, revoked=from_index is not None)
        return replace(self, keys=(*(ended if key == old else key for key in self.keys), Key(purpose, public, at)))

    def document(self) -> bytes:
        """RFC 8785 form of what a key event states."""
        return canonical_bytes({"keys": [key.document() for key in self.keys], "origin": self.origin, "schema": SCHEMA})


def parse_keys(document: bytes) -> KeySet:
    """What a key event states; raises BadSignatureError for anything that no node of this version writes."""
    try:
        values = json.loads(document)
        found = KeySet(values["origin"], tuple(_key(one) for one in values["keys"]))
        if found.document() != document or not _is_sound(found.keys):
            raise BadSignatureError("the key event is not one of this version")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadSignatureError):
            raise
        raise BadSignatureError("the key event cannot be read") from error
    return found


def changed(before: KeySet | None, after: KeySet) -> dict[str, bytes]:
    """Who must sign the step from one state to the next, by kid: the keys that end by it and those that begin."""
    old = {key.kid: key for key in before.keys} if before else {}
    return {key.kid: key.public for key in after.keys if old.get(key.kid) != key}


def refuse_wrong_step(before: KeySet | None, after: KeySet, index: int) -> None:
    """Raises BadSignatureError unless one state may follow the other at this index: ended keys stay as they are."""
    if before is None:
        if index != 0 or any(key.start != 0 or key.end is not None for key in after.keys):
            raise BadSignatureError("a log begins with its keys, which count from entry 0 on")
        return
    if after.origin != before.origin or len(after.keys) <= len(before.keys):
        raise BadSignatureError("a key event adds a key, and keeps the log's origin")
    for old, new in zip(before.keys, after.keys, strict=False):
        end = new.end if new.end is not None else index
        if old != new and (replace(new, end=None, revoked=False) != old or end > index):
            raise BadSignatureError("a key event changes a key that it may not change")
    if any(key.start != index or key.end is not None for key in after.keys[len(before.keys) :]):
        raise BadSignatureError("a new key counts from its own entry on")


def _key(values: dict[str, Any]) -> Key:
    public = decode(values["jwk"]["x"])
    if len(public) != _KEY_BYTES:
        raise BadSignatureError("a key is not one of Ed25519")
    return Key(Purpose(values["purpose"]), public, values["start"], values["end"], values["revoked"])


def _is_sound(keys: Iterable[Key]) -> bool:
    standing = [key.purpose for key in keys if key.end is None]
    return sorted(standing) == sorted(Purpose)
