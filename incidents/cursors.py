"""Cursors: where a walk through a list stands. Signed, and good for the list they were made for alone."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

from lib.canonical import digest
from lib.keyset import BadCursorError

__all__ = ["BadCursorError", "Cursor", "read_cursor", "write_cursor"]

_SIGNATURE_BYTES = 12


@dataclass(frozen=True)
class Cursor:
    """The state of the log that the walk looks at, and the sort keys of the last row seen, as JSON can say them."""

    number: int
    keys: tuple[Any, ...]


def write_cursor(cursor: Cursor, query: str) -> str:
    """The cursor for a walk through the list that `query` describes: URL-safe text."""
    body = json.dumps([_short(query), cursor.number, *cursor.keys], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(body) + body).decode().rstrip("=")


def read_cursor(text: str, query: str) -> Cursor:
    """What `write_cursor` wrote. Raises BadCursorError."""
    try:
        content = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise BadCursorError("the cursor was not made by this node") from error
    signature, body = content[:_SIGNATURE_BYTES], content[_SIGNATURE_BYTES:]
    if not constant_time_compare(signature, _signature(body)):
        raise BadCursorError("the cursor was not made by this node")
    made_for, number, *keys = json.loads(body)
    if made_for != _short(query):
        raise BadCursorError("the cursor belongs to a list with other filters, or in another order")
    return Cursor(number, tuple(keys))


def _signature(body: bytes) -> bytes:
    return salted_hmac("incidents.cursors", body, algorithm="sha256").digest()[:_SIGNATURE_BYTES]


def _short(query: str) -> str:
    return digest(query.encode())[:16]
