"""The whole collection as files in one folder, and the index that names them.

The index is the only way to a file: it is replaced at once and as a whole, files are named by their content and never
change, so what an index says of a file's size and digest is true of the bytes behind it. A reader who has a file open
reads it to its end, whatever replaces it.

JSON Lines and CSV are compressed in pieces of some thousand records (`building`), each by itself: what is uncompressed
is read from the middle without what comes before.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard
from django.conf import settings
from pydantic import BaseModel, ValidationError

INDEX = "index.json"
CODINGS = ("zstd", "gzip")
_BYTES_AT_ONCE = 262_144


class Piece(BaseModel):
    """Some records that are compressed together, in bytes raw and compressed. `number` -1 is the header of a CSV."""

    number: int
    records: int
    raw: int
    zstd: int
    gzip: int


class StoredFile(BaseModel):
    """A file in the folder, its size in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


class Sheet(BaseModel):
    """What one export holds at an entry of the log: its bytes uncompressed, and the files that hold them.

    `files` is by content coding; what is not stored in pieces, a Parquet file, is under "". `at` is RFC 3339.
    """

    records: int
    log_number: int
    at: str
    size: int
    sha256: str
    pieces: list[Piece]
    files: dict[str, StoredFile]
    seconds: float = 0


class Index(BaseModel):
    """Everything stored: where in the log it stands, and the sheets by name, for example incidents.jsonl.

    `form` says how lines were written; pieces of another form are not copied.
    """

    form: int
    log_number: int
    log_object: str
    at: str
    sheets: dict[str, Sheet]


class Opened:
    """The bytes of one representation, open: parts of it can be read until it is closed."""

    def __init__(self, file: BinaryIO, size: int, sha256: str, pieces: list[Piece] | None = None) -> None:
        self.size, self.sha256 = size, sha256
        self._file, self._pieces = file, pieces

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to and without `stop`, in chunks."""
        if self._pieces is None:
            self._file.seek(start)
            return _bounded(iter(lambda: self._file.read(_BYTES_AT_ONCE), b""), 0, stop - start)
        before, offset = 0, 0
        for piece in self._pieces:
            if before + piece.raw > start:
                break
            before, offset = before + piece.raw, offset + piece.zstd
        self._file.seek(offset)
        return _bounded(_unpacked(self._file), start - before, stop - start)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def folder() -> Path:
    """Where the files lie."""
    return Path(settings.EXPORT_ROOT) / "collection"


def read_index() -> Index | None:
    """The index; None before anything was built, and where another version of this code wrote it."""
    try:
        return Index.model_validate_json((folder() / INDEX).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def open_sheet(sheet: Sheet, coding: str) -> Opened:
    """A sheet in a content coding that its files have, or "" for its bytes as they are. Raises FileNotFoundError."""
    if found := sheet.files.get(coding):
        return Opened((folder() / found.path).open("rb"), found.size, found.sha256)
    packed = (folder() / sheet.files["zstd"].path).open("rb")
    return Opened(packed, sheet.size, sheet.sha256, sheet.pieces)


def unpacked(path: Path) -> Iterator[bytes]:
    """The uncompressed bytes of a sheet's zstd file, in chunks."""
    with path.open("rb") as file:
        yield from _unpacked(file)


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False)
    return iter(lambda: reader.read(_BYTES_AT_ONCE), b"")


def _bounded(chunks: Iterator[bytes], skip: int, size: int) -> Iterator[bytes]:
    for chunk in chunks:
        wanted = chunk[skip : skip + size]
        skip, size = max(skip - len(chunk), 0), size - len(wanted)
        if wanted:
            yield wanted
        if size <= 0:
            return
