"""Makes the stored files anew where the log has gone on.

What is stored is the state of every record at one entry of the log, exactly: the last version of each up to there,
which the log keeps for ever. So the database is read in many short questions, and no long transaction is open. Records
are in pieces by the order of their first publication; only a piece with a record that changed is read again, all others
are copied as they are. Parquet cannot be copied in pieces and is made anew from the JSON Lines.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from incidents import log
from incidents.exports import cells, copying, stored
from incidents.exports.packing import DigestedFile, Packed
from incidents.exports.stored import INDEX, Index, Sheet
from incidents.models import Operation, Publication
from incidents.publishing import instant
from lib.canonical import canonical_bytes

# To be raised when a line, a column or a piece is written in another way: then everything is made anew.
FORM = 1
RECORDS_TOGETHER = 5_000
IN_FORCE, IN_FORCE_CSV, WITHDRAWN, PARQUET = "incidents.jsonl", "incidents.csv", "withdrawn.jsonl", "incidents.parquet"
# A Parquet file is made anew once so many times the seconds have passed that it took.
PARQUET_RESTS = 20
_HEADER = -1
# What a text of the record cannot contain: there, quotes stand behind a backslash.
_IS_WITHDRAWN = b'"status":"withdrawn"'
# After which a record still stands. After any other it must be gone from every file at once.
_STANDS = (Operation.PUBLISH, Operation.CORRECT, Operation.DISPUTE, Operation.RESTORE)

# Of what is erased, or hidden by this node, stands only what the list of withdrawn records says of it. The
# last row of a record counts: of another node's, an operator can have had an earlier version shown again.
_AS_OF = """
SELECT DISTINCT ON (entry.incident_id)
    CASE WHEN operation = 'erase' OR overlay.hidden_at IS NOT NULL THEN convert_to(format(
    '{"id":"%%s","modified":"%%s","status":"withdrawn","superseded_by":null,"version":%%s}', incident.public_id,
    to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), entry.version), 'UTF8') ELSE entry.document END
FROM incidents_publication entry JOIN incidents_incident incident ON incident.id = entry.incident_id
LEFT JOIN incidents_overlay overlay ON overlay.incident_id = entry.incident_id
WHERE entry.incident_id >= %s AND entry.incident_id < %s AND number <= %s ORDER BY entry.incident_id, number DESC
"""


class BusyFolderError(RuntimeError):
    """Another process makes these files just now."""


def refresh(*, going_on: Callable[[], None]) -> Index:
    """Brings the folder up to the end of the log. Raises BusyFolderError, OSError, and what `going_on` raises.

    `going_on` is called again and again meanwhile, and once more just before anything becomes visible.
    """
    folder = stored.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        try:
            return _refresh(folder, going_on)
        finally:
            _clear(folder)


def _refresh(folder: Path, going_on: Callable[[], None]) -> Index:
    before, head = _usable(folder, stored.read_index()), log.head()
    sheets = dict(before.sheets) if before else {}
    if before is None or before.log_number != head.number:
        sheets |= _written(folder, before, head.number, going_on)
    if _parquet_is_due(before, head.number):
        sheets[PARQUET] = _parquet(folder, sheets[IN_FORCE], going_on)
    elif before and before.log_number == head.number:
        return before
    index = Index(
        form=FORM, log_number=head.number, log_object=head.object_digest, at=instant(timezone.now()), sheets=sheets
    )
    going_on()
    _replace(folder, index)
    return index


def _usable(folder: Path, index: Index | None) -> Index | None:
    """The index, if it is of this log and its files are all there: else everything is made anew."""
    if index is None or index.form != FORM:
        return None
    entry = Publication.objects.filter(number=index.log_number).only("object_digest").first()
    if (entry.object_digest if entry else "") != index.log_object:
        return None
    for file in _files(index):
        path = folder / file.path
        if not path.is_file() or path.stat().st_size != file.size:
            return None
    return index


def _written(folder: Path, before: Index | None, number: int, going_on: Callable[[], None]) -> dict[str, Sheet]:
    changed = _changed(before.log_number if before else 0, number)
    with ExitStack() as stack:
        sheets = {}
        for name in (IN_FORCE, IN_FORCE_CSV, WITHDRAWN):
            sheets[name] = Packed(folder, name, before.sheets[name] if before else None)
            stack.callback(sheets[name].close)
        sheets[IN_FORCE_CSV].begin(_HEADER)
        sheets[IN_FORCE_CSV].write(cells.HEADER, 0)
        sheets[IN_FORCE_CSV].end()
        known = {piece.number for piece in before.sheets[IN_FORCE].pieces} if before else set()
        for piece in sorted(known | changed):
            going_on()
            if piece in changed:
                _write_piece(sheets, piece, number, going_on)
            else:
                for sheet in sheets.values():
                    sheet.keep(piece)
        at = instant(timezone.now())
        return {name: sheet.finish(log_number=number, at=at) for name, sheet in sheets.items()}


def _write_piece(sheets: dict[str, Packed], piece: int, number: int, going_on: Callable[[], None]) -> None:
    for sheet in sheets.values():
        sheet.begin(piece)
    bounds = (piece * RECORDS_TOGETHER, (piece + 1) * RECORDS_TOGETHER, number)
    for documents in copying.documents(_AS_OF, bounds):
        going_on()
        standing = [document for document in documents if document and _IS_WITHDRAWN not in document]
        sheets[IN_FORCE].write(b"".join(document + b"\n" for document in standing), len(standing))
        sheets[IN_FORCE_CSV].write(cells.csv_of(standing), len(standing))
        gone = [_withdrawn(document) for document in documents if _IS_WITHDRAWN in document]
        sheets[WITHDRAWN].write(b"".join(gone), len(gone))
    for sheet in sheets.values():
        sheet.end()


def _withdrawn(document: bytes) -> bytes:
    record: dict[str, Any] = json.loads(document)
    said = {name: record.get(name) for name in ("id", "modified", "superseded_by", "version")}
    return canonical_bytes(said) + b"\n"


def _changed(after: int, number: int) -> set[int]:
    """The pieces with a record that has an entry after one number, up to another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT incident_id / %s FROM incidents_publication WHERE number > %s AND number <= %s",
            [RECORDS_TOGETHER, after, number],
        )
        return {row[0] for row in cursor.fetchall()}


# --- Parquet ------------------------------------------------------------------------------------------------
def _parquet_is_due(before: Index | None, number: int) -> bool:
    if before is None:
        return True
    sheet = before.sheets[PARQUET]
    if sheet.log_number == number:
        return False
    rested = timezone.now() - datetime.fromisoformat(sheet.at) > timedelta(seconds=PARQUET_RESTS * sheet.seconds)
    since = Publication.objects.filter(number__gt=sheet.log_number, number__lte=number)
    return rested or since.exclude(operation__in=_STANDS).exists()


def _parquet(folder: Path, lines: Sheet, going_on: Callable[[], None]) -> Sheet:
    from incidents.exports import columns  # late: 50 MB of memory, for the processes that need them

    started = time.monotonic()
    file = DigestedFile(folder, PARQUET)
    writer = columns.Writer(file)
    for documents in _documents(folder / lines.files["zstd"].path):
        going_on()
        writer.write(documents)
    writer.close()
    whole = file.finish(PARQUET, "")
    return Sheet(
        records=lines.records,
        log_number=lines.log_number,
        at=instant(timezone.now()),
        size=whole.size,
        sha256=whole.sha256,
        pieces=[],
        files={"": whole},
        seconds=time.monotonic() - started,
    )


def _documents(path: Path) -> Iterator[list[bytes]]:
    begun = b""
    for chunk in stored.unpacked(path):
        *whole, begun = (begun + chunk).split(b"\n")
        yield whole


# --- The folder ---------------------------------------------------------------------------------------------
@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyFolderError("another process makes the exports just now") from error
        yield


def _replace(folder: Path, index: Index) -> None:
    """The new index in the place of the old one: on the disk before it is seen, and never half."""
    passing = folder / f"{INDEX}.new"
    with passing.open("w") as file:
        file.write(index.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    passing.replace(folder / INDEX)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _clear(folder: Path) -> None:
    """Removes what no index names: files of the state before, and what a process left that was killed."""
    index = stored.read_index()
    named = {INDEX, "lock", *(file.path for file in (_files(index) if index else ()))}
    for path in folder.iterdir():
        if path.name not in named and not path.is_dir():  # the OSV files have a folder of their own here
            path.unlink(missing_ok=True)


def _files(index: Index) -> Iterator[stored.StoredFile]:
    for sheet in index.sheets.values():
        yield from sheet.files.values()
