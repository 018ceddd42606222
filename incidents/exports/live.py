"""What a question asks for, straight out of the database as it is now, in the order of first publication."""

from collections.abc import Iterator
from contextlib import suppress
from threading import BoundedSemaphore

from django.conf import settings

from incidents import log
from incidents.exports import cells, copying
from incidents.filters import Wanted, conditions

_MEASURE = "SELECT count(*), coalesce(sum(size), 0)::bigint FROM incidents_searchrow WHERE {conditions}"
# Only numbers are put in order, and documents leave in packs, those of so many neighbours: each row that PostgreSQL
# sends costs both sides more than the bytes in it. No document holds the line feed between them (RFC 8785).
_PACKED = """
SELECT (
    SELECT string_agg(entry.document, '\\x0a'::bytea ORDER BY entry.incident_id)
    FROM incidents_publication entry WHERE entry.number = ANY(pack.numbers)
)
FROM (
    SELECT array_agg(number) AS numbers FROM incidents_searchrow WHERE {conditions}
    GROUP BY incident_id / {together} ORDER BY incident_id / {together}
) pack
"""
_TOGETHER = 64
# Each holds a thread of the web server and a connection for as long as its reader takes.
_places = BoundedSemaphore(settings.EXPORTS_AT_ONCE)


class BusyError(RuntimeError):
    """As many streams are open as this process serves at once."""


class Stream:
    """The bytes of a live export, once; to be closed, read to its end or not.

    `records` is how many there are; `size` how many bytes, where that is known beforehand. A web server may end an
    answer that broke off as if it were whole: by these its reader knows.
    """

    def __init__(self, wanted: Wanted, form: str, number: int | None = None) -> None:
        """Asks the database, and waits for its first rows. Raises BusyError, and what the database raises.

        With `number`, the records are as they stood at that entry of the log.
        """
        if not _places.acquire(blocking=False):
            raise BusyError("As many exports are under way as this node serves at once.")
        self.records, self.size = 0, None if form != "jsonl" else 0
        held, values = conditions(wanted, log.head().number if number is None else number)
        where = {"conditions": " AND ".join(held), "together": _TOGETHER}
        self._lists = copying.documents(
            _PACKED.format(**where), values, measuring=_MEASURE.format(**where), measure=self._measure
        )
        self._open = True
        try:
            first = next(self._lists, [])
        except BaseException:
            self.close()
            raise
        self._chunks = _FORMS[form](_from_first(first, self._lists))

    def _measure(self, records: int, size: int) -> None:
        self.records = records
        if self.size is not None:
            self.size = size + records  # each line has its end

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """Ends the query, and makes room for another."""
        if self._open:
            self._open = False
            with suppress(Exception):  # whoever stopped reading is not told how the query ended
                self._lists.close()
            _places.release()


def _from_first(first: list[bytes], rest: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    if first:
        yield first
    yield from rest


def _json_lines(lists: Iterator[list[bytes]]) -> Iterator[bytes]:
    for packs in lists:
        yield b"\n".join(packs) + b"\n"


def _apart(packs: list[bytes]) -> list[bytes]:
    return [document for pack in packs for document in pack.split(b"\n")]


def _csv(lists: Iterator[list[bytes]]) -> Iterator[bytes]:
    yield cells.HEADER
    for packs in lists:
        yield cells.csv_of(_apart(packs))


def _parquet(lists: Iterator[list[bytes]]) -> Iterator[bytes]:
    from incidents.exports import columns  # late: 50 MB of memory, for the processes that need them

    written = _Written()
    writer = columns.Writer(written)
    for packs in lists:
        writer.write(_apart(packs))
        if chunk := written.taken():
            yield chunk
    writer.close()
    yield written.taken()


class _Written:
    """A file that remembers only what nobody has taken yet: Parquet is written from its beginning to its end."""

    closed = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._chunks.append(bytes(content))
        return len(content)

    def taken(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""


_FORMS = {"jsonl": _json_lines, "csv": _csv, "parquet": _parquet}
