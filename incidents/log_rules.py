"""What must hold of every entry of a log, whoever reads it: this node its own, or another node's. Plain data.

The rules in words: docs/federation.md.
"""

import json
from typing import Any

from incidents.keys import KeySet, Purpose, changed, parse_keys, refuse_wrong_step
from incidents.leaves import KEYS, BadLeafError, Leaf, LeafOp, document_in
from lib import jws
from lib.canonical import digest
from lib.jws import BadSignatureError

_MEMBER = {LeafOp.PUBLISH: "record", LeafOp.REVISE: "record", LeafOp.RETRACT: "record", LeafOp.ERASE: "erasure"}
_STATUSES = {
    LeafOp.PUBLISH: {"published"},
    LeafOp.REVISE: {"published", "disputed"},
    LeafOp.RETRACT: {"withdrawn"},
}


class BrokenRuleError(ValueError):
    """An entry breaks a rule; the message is a clause that says which."""


class VoidError(BrokenRuleError):
    """The key that signed it was revoked from here on: it says nothing, until its record is published again."""


def check_step(leaf: Leaf, previous: Leaf | None) -> None:
    """Raises BrokenRuleError unless the leaf may follow the one before of its id, None for a first one."""
    if (leaf.op is LeafOp.KEY) != (leaf.id == KEYS):
        raise BrokenRuleError("the keys have an id of their own")
    if (leaf.op is LeafOp.PUBLISH or (leaf.op is LeafOp.KEY and leaf.rev == 1)) != (previous is None):
        raise BrokenRuleError(f"{leaf.op} is not what may happen to {leaf.id} here")
    if previous is not None and previous.op is LeafOp.ERASE and leaf.op is not LeafOp.ERASE:
        raise BrokenRuleError(f"{leaf.id} was erased; that is final")
    if leaf.rev != (previous.rev + 1 if previous else 1):
        raise BrokenRuleError(f"revision {leaf.rev} of {leaf.id} does not follow the one before")
    if leaf.prev != (previous.obj if previous else None):
        raise BrokenRuleError(f"revision {leaf.rev} of {leaf.id} does not name the object before")


def read_object(index: int, leaf: Leaf, text: bytes, keys: KeySet) -> bytes:
    """The document of an entry's object, in RFC 8785 form, signed as it must be; or BrokenRuleError.

    `keys` is the latest state that is known: it says which record key counts at the index.
    """
    payload, signatures = _opened(leaf, text)
    document = _document(leaf, payload)
    key = keys.at(Purpose.RECORD, index)
    if key is None:
        raise VoidError("the key that signed it was revoked, and the record was not published again since")
    try:
        jws.check_all(signatures, {key.kid: key.public})
    except BadSignatureError as error:
        raise BrokenRuleError(str(error)) from error
    _check_document(leaf, json.loads(document), keys)
    return document


def document_of(leaf: Leaf, text: bytes) -> bytes:
    """The document of an entry's object, whoever signed it; or BrokenRuleError."""
    return _document(leaf, _opened(leaf, text)[0])


def _document(leaf: Leaf, payload: bytes) -> bytes:
    if leaf.op not in _MEMBER:
        raise BrokenRuleError(f"an entry {leaf.op} has no document")
    try:
        return document_in(_MEMBER[leaf.op], payload)
    except BadLeafError as error:
        raise BrokenRuleError(str(error)) from error


def read_keys(index: int, leaf: Leaf, text: bytes, before: KeySet | None) -> KeySet:
    """The keys that a key event states, signed by those that end and those that begin; or BrokenRuleError."""
    payload, signatures = _opened(leaf, text)
    try:
        after = parse_keys(document_in("keys", payload))
        refuse_wrong_step(before, after, index)
        jws.check_all(signatures, changed(before, after))
    except (BadSignatureError, BadLeafError) as error:
        raise BrokenRuleError(str(error)) from error
    return after


def _opened(leaf: Leaf, text: bytes) -> tuple[bytes, list[jws.Signature]]:
    if digest(text) != leaf.obj:
        raise BrokenRuleError("the object is not the one that the leaf names")
    try:
        return jws.read(text)
    except BadSignatureError as error:
        raise BrokenRuleError(str(error)) from error


def _check_document(leaf: Leaf, document: Any, keys: KeySet) -> None:
    stated = document if isinstance(document, dict) else {}
    if (stated.get("id"), stated.get("version")) != (leaf.id, leaf.rev):
        raise BrokenRuleError("the document is of another record or revision than the leaf says")
    if leaf.op in _STATUSES and stated.get("status") not in _STATUSES[leaf.op]:
        raise BrokenRuleError(f"the document is {stated.get('status')}, which {leaf.op} does not lead to")
    if keys.origin != f"{stated.get('origin')}/log":
        raise BrokenRuleError(f"the document is by {stated.get('origin')}, whose log this is not")
