"""Documents out of the database by COPY: the fastest road there is, in constant memory.

The binary form of COPY (PostgreSQL documentation, "COPY", "Binary Format"): a header of 19 bytes and an extension, then
for each row the number of its columns (2 bytes) and for each column its length (4 bytes) and its bytes; 0xffff ends it.
The server sends each row as a message of its own, and the header in front of the first.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from incidents.connection import public_connection

# What is handed on at once: large enough that a chunk costs nothing beside its rows.
BYTES_AT_ONCE = 262_144
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = len(_SIGNATURE) + 8
_END = b"\xff\xff"
_BEFORE_VALUE = 6  # the number of columns and the length of the only one


def documents(
    query: str,
    parameters: Mapping[str, Any] | tuple[Any, ...],
    *,
    measuring: str = "",
    measure: Callable[[int, int], None] = lambda _records, _size: None,
) -> Generator[list[bytes], None, None]:
    """The rows of a query for one column of bytes that is never null, in lists of about `BYTES_AT_ONCE` in all.

    `measuring` is a query, of the same values, for two numbers; before the first row comes, `measure` is told what it
    answers at the same state of the database. Nothing else may be asked on this thread's connection until the rows are
    exhausted or closed; closing them ends the query.
    """
    connection = public_connection()
    ours = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias), connection.wrap_database_errors, connection.cursor() as cursor:
        if ours:  # one state for both questions; a transaction around us has chosen its own
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # What bounds an ordinary read would cut a long file short.
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{settings.EXPORT_SECONDS}s"])
        if measuring:
            cursor.execute(measuring, parameters)
            measure(*cursor.fetchone())
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", parameters) as copy:
            yield from _in_lists(copy)


def _in_lists(messages: Any) -> Iterator[list[bytes]]:
    held: list[bytes] = []
    size = 0
    for message in messages:
        row = message[_HEADER:] if message[: len(_SIGNATURE)] == _SIGNATURE else message
        if row[:2] == _END or not row:
            continue
        held.append(bytes(row[_BEFORE_VALUE:]))
        size += len(row)
        if size >= BYTES_AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held
