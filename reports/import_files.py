"""The files of a foreign database: of a folder, a zip or tar archive, or one by itself; each in memory only while read.

Plain data. What an archive says of itself is not believed: parts are cut off at their limits and named as refused.
"""

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MOST_BYTES = 256 * 1024 * 1024  # of one file
MOST_BYTES_IN_ALL = 4 * 1024 * 1024 * 1024
MOST_FILES = 500_000
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz"})


class SourceError(ValueError):
    """The files cannot be read as that source at all; the message says why."""


@dataclass(frozen=True)
class SourceFile:
    """One file: its path within the source, with slashes, and its bytes; `refused` says why there are none."""

    name: str
    content: bytes
    refused: str = ""

    @property
    def suffix(self) -> str:
        """How its name ends, in lower case and with the dot."""
        return Path(self.name).suffix.lower()

    @property
    def last(self) -> str:
        """Its name without folders."""
        return self.name.rpartition("/")[2]


def files_in(path: Path) -> Iterator[SourceFile]:
    """Every file there, by name. Raises SourceError, also half-way where an archive ends before it should."""
    left = MOST_BYTES_IN_ALL
    try:
        for place, file in enumerate(_files(path)):
            left -= len(file.content)
            if left < 0 or place >= MOST_FILES:
                raise SourceError(f"{path} holds more than an import reads")
            yield file
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"{path}: {said}") from error


def _files(path: Path) -> Iterator[SourceFile]:
    if path.is_dir():
        return _in_folder(path)
    if zipfile.is_zipfile(path):
        return _in_zip(path)
    if path.is_file() and tarfile.is_tarfile(path):
        return _in_tar(path)
    if path.suffix.lower() in _ARCHIVES and path.exists():
        raise SourceError(f"{path} is no archive, or not all of one")
    return _alone(path)


def _in_folder(path: Path) -> Iterator[SourceFile]:
    for one in sorted(path.rglob("*")):
        name = one.relative_to(path).as_posix()
        if one.is_file() and not one.is_symlink() and not name.startswith(".git/"):
            with one.open("rb") as stream:
                yield _read(name, stream)


def _in_zip(path: Path) -> Iterator[SourceFile]:
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.infolist(), key=lambda one: one.filename):
            if not member.is_dir():
                with archive.open(member) as packed:
                    yield _read(member.filename, packed)


def _in_tar(path: Path) -> Iterator[SourceFile]:
    with tarfile.open(path) as tar:
        for entry in tar:
            unpacked = tar.extractfile(entry) if entry.isfile() else None
            if unpacked is not None:
                yield _read(entry.name, unpacked)


def _alone(path: Path) -> Iterator[SourceFile]:
    with path.open("rb") as stream:
        yield _read(path.name, stream)


def _read(name: str, stream: IO[bytes]) -> SourceFile:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        return SourceFile(name, b"", f"larger than {MOST_BYTES} bytes")
    return SourceFile(name, content)
