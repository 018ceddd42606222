"""The entries of the log: what a leaf says, and the payloads of the objects that leaves name.

A leaf is public for ever, so it holds nothing that may have to go: no title, no name, no reporter's word. Plain data.
"""

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lib.canonical import NotCanonicalError, canonical_bytes
from lib.jws import encode

VERSION = 1
MOST_BYTES = 1024
# The id under which the node's own keys change.
KEYS = "keys"
_SALT_BYTES = 16
_MEMBERS = {"v", "op", "id", "rev", "obj", "prev", "t"}


class LeafOp(StrEnum):
    """What an entry does. `snapshot` and `policy` are reserved: this version writes none."""

    PUBLISH = "publish"
    REVISE = "revise"
    RETRACT = "retract"
    ERASE = "erase"
    KEY = "key"
    SNAPSHOT = "snapshot"
    POLICY = "policy"


class BadLeafError(ValueError):
    """The bytes are no leaf."""


@dataclass(frozen=True)
class Leaf:
    """One entry: revision `rev` of `id` is the object `obj`; the revision before was `prev`, at time `t`.

    `obj` and `prev` are the SHA-256 of signed objects in hex, `prev` None for a first revision; `t` is RFC 3339, UTC.
    """

    op: LeafOp
    id: str
    rev: int
    obj: str
    prev: str | None
    t: str

    def __bytes__(self) -> bytes:
        """RFC 8785 form of `{v, op, id, rev, obj, prev, t}`."""
        values: dict[str, Any] = {"id": self.id, "obj": self.obj, "op": self.op.value, "prev": self.prev}
        return canonical_bytes({**values, "rev": self.rev, "t": self.t, "v": VERSION})


def parse_leaf(data: bytes) -> Leaf:
    """The leaf of an entry's bytes; raises BadLeafError for anything that we would not have written."""
    try:
        values = json.loads(data)
        if values.keys() != _MEMBERS or values["v"] != VERSION or len(data) > MOST_BYTES:
            raise BadLeafError("the entry is no leaf of this version")
        leaf = Leaf(LeafOp(values["op"]), values["id"], values["rev"], values["obj"], values["prev"], values["t"])
        if bytes(leaf) != data:
            raise BadLeafError("the leaf is not in canonical form")
    except (KeyError, TypeError, AttributeError, NotCanonicalError, ValueError, RecursionError) as error:
        if isinstance(error, BadLeafError):
            raise
        raise BadLeafError("the entry is no leaf") from error
    return leaf


def salted(member: str, document: bytes) -> bytes:
    """The payload `{member: document, "salt": ...}` in RFC 8785 form; `document` is in it already.

    Without the 128 random bits whoever guessed an erased document could prove the guess by the hash in the leaf.
    """
    if member >= "salt":
        raise ValueError("the salt comes last, as canonical form orders members")
    return b'{"%s":%s,"salt":"%s"}' % (member.encode(), document, encode(secrets.token_bytes(_SALT_BYTES)).encode())


def document_in(member: str, payload: bytes) -> bytes:
    """The document's own bytes in such a payload; raises BadLeafError."""
    try:
        values = json.loads(payload)
        if values.keys() != {member, "salt"} or canonical_bytes(values) != payload:
            raise BadLeafError(f"the payload is no canonical {member} with its salt")
        # In RFC 8785 form, so that the document's own bytes stand in it as they are.
        return payload[len(f'{{"{member}":') : -len(b',"salt":' + canonical_bytes(values["salt"]) + b"}")]
    except (AttributeError, NotCanonicalError, ValueError, RecursionError) as error:
        if isinstance(error, BadLeafError):
            raise
        raise BadLeafError("the payload is no JSON object") from error
