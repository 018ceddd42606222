"""Cursors: where a walk through a list stands. Signed, and good for the walk that they were made for alone."""

import base64
import binascii
import json
from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

from lib.canonical import digest

_SIGNATURE_BYTES = 12


class BadCursorError(ValueError):
    """This node did not make the cursor, or made it for another walk."""


def write_cursor(walk: str, *parts: Any) -> str:
    """The cursor of a walk, named with all that its list depends on: URL-safe text. JSON can say the parts."""
    body = json.dumps([_short(walk), *parts], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(body) + body).decode().rstrip("=")


def read_cursor(walk: str, text: str) -> list[Any]:
    """The parts that `write_cursor` was given for that walk. Raises BadCursorError."""
    try:
        content = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise BadCursorError("the cursor was not made by this node") from error
    signature, body = content[:_SIGNATURE_BYTES], content[_SIGNATURE_BYTES:]
    if not constant_time_compare(signature, _signature(body)):
        raise BadCursorError("the cursor was not made by this node")
    parts: list[Any] = json.loads(body)
    if parts[0] != _short(walk):
        raise BadCursorError("the cursor belongs to a list with other filters, or in another order")
    return parts[1:]


def _signature(body: bytes) -> bytes:
    return salted_hmac("lib.cursors", body, algorithm="sha256").digest()[:_SIGNATURE_BYTES]


def _short(walk: str) -> str:
    return digest(walk.encode())[:16]
