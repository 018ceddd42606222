"""One sheet being written: compressed twice, in pieces, of which those that did not change are copied.

zstd: every piece is a frame of its own (RFC 8878, 3: the content of several frames is one after the other), with a
window below the 8 MB that RFC 9659 allows as a content coding. gzip: one member (RFC 1952), because many clients stop
after the first; its pieces are runs of deflate blocks that end with a full flush, so that none refers to another.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from incidents.exports.stored import Piece, Sheet, StoredFile

SUFFIXES = {"zstd": ".zst", "gzip": ".gz"}
_ZSTD_LEVEL, _GZIP_LEVEL = 3, 4
_BYTES_AT_ONCE = 1_048_576
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, unknown system
_LAST_BLOCK = b"\x03\x00"  # an empty one


class DigestedFile:
    """A file being written under a passing name, with its SHA-256."""

    closed = False

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._passing = folder, folder / f"{name}.new"
        self._file = self._passing.open("wb")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        """Appends; returns how much, as files do."""
        self._digest.update(content)
        self.size += len(content)
        return self._file.write(content)

    def finish(self, name: str, suffix: str) -> StoredFile:
        """The whole file on the disk for good, under a name of its content."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._digest.hexdigest()
        path = self._folder / f"{name}-{sha256[:16]}{suffix}"
        self._passing.replace(path)
        return StoredFile(path=path.name, size=self.size, sha256=sha256)

    def flush(self) -> None:
        """As files do."""
        self._file.flush()


class Packed:
    """A sheet's two files while they are written, beside those of the sheet `before`, if any."""

    def __init__(self, folder: Path, name: str, before: Sheet | None) -> None:
        self._name, self._before = name, before
        self._zstd, self._gzip = (DigestedFile(folder, f"{name}{suffix}") for suffix in SUFFIXES.values())
        self._gzip.write(_GZIP_HEADER)
        self._digest, self._crc, self._size = hashlib.sha256(), 0, 0
        self.pieces: list[Piece] = []
        self._old = {
            coding: (folder / file.path).open("rb") for coding, file in (before.files if before else {}).items()
        }
        self._places = _places(before)

    def begin(self, number: int) -> None:
        """From here on what is written is piece `number`."""
        self._frame = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        self._blocks = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._began = (self._size, self._zstd.size, self._gzip.size)
        self._number, self._records = number, 0

    def write(self, content: bytes, records: int) -> None:
        """Some records of the piece."""
        self._take(content)
        self._records += records
        self._zstd.write(self._frame.compress(content))
        self._gzip.write(self._blocks.compress(content))

    def end(self) -> None:
        """The end of the piece."""
        self._zstd.write(self._frame.flush())
        self._gzip.write(self._blocks.flush(zlib.Z_FULL_FLUSH))
        raw, zstd, gzip = self._began
        self.pieces.append(
            Piece(
                number=self._number,
                records=self._records,
                raw=self._size - raw,
                zstd=self._zstd.size - zstd,
                gzip=self._gzip.size - gzip,
            )
        )

    def keep(self, number: int) -> None:
        """A piece of the sheet before, as it is there."""
        piece, at = self._places[number]
        unpack = zstandard.ZstdDecompressor().decompressobj()
        for chunk in _chunks(self._old["zstd"], at["zstd"], piece.zstd):
            self._zstd.write(chunk)
            self._take(unpack.decompress(chunk))
        for chunk in _chunks(self._old["gzip"], at["gzip"], piece.gzip):
            self._gzip.write(chunk)
        self.pieces.append(piece)

    def finish(self, *, log_number: int, at: str) -> Sheet:
        """The sheet, with its files on the disk."""
        self._gzip.write(_LAST_BLOCK + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        files = {"zstd": self._zstd, "gzip": self._gzip}
        return Sheet(
            records=sum(piece.records for piece in self.pieces),
            log_number=log_number,
            at=at,
            size=self._size,
            sha256=self._digest.hexdigest(),
            pieces=self.pieces,
            files={coding: file.finish(self._name, SUFFIXES[coding]) for coding, file in files.items()},
        )

    def close(self) -> None:
        """Lets go of the files of the sheet before."""
        for file in self._old.values():
            file.close()

    def _take(self, content: bytes) -> None:
        self._digest.update(content)
        self._crc = zlib.crc32(content, self._crc)
        self._size += len(content)


def _places(before: Sheet | None) -> dict[int, tuple[Piece, dict[str, int]]]:
    at = {"zstd": 0, "gzip": len(_GZIP_HEADER)}
    places = {}
    for piece in before.pieces if before else []:
        places[piece.number] = (piece, dict(at))
        at = {"zstd": at["zstd"] + piece.zstd, "gzip": at["gzip"] + piece.gzip}
    return places


def _chunks(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    file.seek(start)
    while size > 0:
        chunk = file.read(min(size, _BYTES_AT_ONCE))
        if not chunk:
            raise EOFError(f"{file.name} is shorter than its index says")
        size -= len(chunk)
        yield chunk
