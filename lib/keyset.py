"""Cursors: where the page after begins, as a text that only its maker can read back. Plain data."""

import base64
import binascii
import json

Part = str | int


class BadCursorError(ValueError):
    """The cursor was not made by this node."""


def written(*parts: Part) -> str:
    """The cursor that stands for these parts."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def read(text: str, *kinds: type[Part]) -> tuple[Part, ...]:
    """The parts of a cursor, each of its kind. Raises BadCursorError for any text but what `written` gave for them."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # Only what we would have written, and no number or text that the database cannot hold.
        right = (
            isinstance(parts, list)
            and [type(part) for part in parts] == list(kinds)
            and written(*parts) == text
            and all(0 <= part < 2**63 if isinstance(part, int) else "\x00" not in part for part in parts)
        )
        if not right:
            raise BadCursorError("the cursor was not made by this node")
        "".join(part for part in parts if isinstance(part, str)).encode()  # a lone surrogate cannot be asked for
    except (ValueError, RecursionError, binascii.Error) as error:
        raise BadCursorError("the cursor was not made by this node") from error
    return tuple(parts)
