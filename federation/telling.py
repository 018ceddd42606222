"""One message of this node to a peer, from a due row: what became of it says when it is tried again."""

from collections.abc import Callable, Mapping
from typing import Any

from incidents.guard import LogRefusesError
from lib.due import DueRow
from lib.http import CALL_ERRORS, bounded_client

_SECONDS = 5.0
_MOST_BYTES = 20_000
# Whoever does not follow us, or knows of no such messages, is asked again whether that has changed.
_NOT_WANTED = frozenset({403, 404, 405, 410})
_NOT_WANTED_SECONDS = 3600.0


def tell(row: DueRow, address: str, message: Callable[[], tuple[bytes, Mapping[str, str]]], **done: Any) -> bool:
    """Posts the content and headers that `message` gives; True, and the row keeps `done`, where it was taken.

    Where it was not, or our keys refuse to sign, the row is due later.
    """
    try:
        content, headers = message()
        client = bounded_client(seconds=_SECONDS, most_bytes=_MOST_BYTES)
        answer = client.post(address, content=content, headers=dict(headers))
    except LogRefusesError as error:
        return row.postpone(str(error), at_least=60) and False
    except CALL_ERRORS as error:
        return row.postpone(str(error) or type(error).__name__) and False
    if answer.is_success:
        return row.done(**done)
    wait = _NOT_WANTED_SECONDS if answer.status_code in _NOT_WANTED else 0
    return row.postpone(f"status {answer.status_code}", at_least=wait) and False
