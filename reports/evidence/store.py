"""Sealed files in the node's own folder, each under the SHA-256 of its sealed bytes.

No two files share an address, even if what they hold is the same, so removing one never takes another's. A file is
whole or absent: it is written beside its place, synced, and renamed into it.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from lib.confined import RefusedFileError
from lib.seal import UnreadableSealError, seal_file, unseal_file

# Below this the disk is left to the database.
LEAST_FREE_BYTES = 500_000_000


class LostFileError(OSError):
    """The file is not where it was put, or none of the node's keys opens it."""


def _full() -> RefusedFileError:
    return RefusedFileError(
        "This node has no room for files just now. Send the report without them, or try again later."
    )


def put(content: bytes) -> str:
    """Stores `content` sealed; returns its address. Raises RefusedFileError where there is no room."""
    sealed = seal_file(content)
    address = hashlib.sha256(sealed).hexdigest()
    path = _path(address)
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free - len(sealed) < LEAST_FREE_BYTES:
            raise _full()
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise _full() from error
    return address


def get(address: str) -> bytes:
    """What was stored. Raises LostFileError."""
    try:
        return unseal_file(_path(address).read_bytes())
    except (OSError, UnreadableSealError) as error:
        raise LostFileError(f"the file {address} cannot be read") from error


def has(address: str) -> bool:
    """Whether a file lies there."""
    return _path(address).is_file()


def renew(address: str) -> bool:
    """Makes a file as if stored just now; False if there is none."""
    try:
        os.utime(_path(address))
    except FileNotFoundError:
        return False
    return True


def remove(address: str) -> None:
    """Removes a file; no error if it is gone already."""
    with suppress(FileNotFoundError):
        _path(address).unlink()


def remove_old(address: str, seconds: float) -> bool:
    """Removes a file unless it was stored or renewed since; whether it did."""
    with suppress(FileNotFoundError):
        if _path(address).stat().st_mtime < time.time() - seconds:
            _path(address).unlink()
            return True
    return False


def older_than(seconds: float) -> Iterator[str]:
    """The addresses of all files that were stored longer ago; what a crash left half-written is removed on the way."""
    before = time.time() - seconds
    for path in Path(settings.EVIDENCE_ROOT).glob("??/*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime >= before:
                continue
            if path.suffix:
                path.unlink()
            else:
                yield path.name


def _path(address: str) -> Path:
    return Path(settings.EVIDENCE_ROOT) / address[:2] / address


def _sync_folder(folder: Path) -> None:
    # The new name must survive a power cut too: the row that leads to it will.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
