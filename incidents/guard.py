"""What this node signed last, kept outside the database: a restored backup cannot make it sign two histories.

The file `signed` in the log's folder holds the last checkpoint, and is on the disk before anybody reads that one. A
database behind it is older than what the world has seen; appending to it, or signing it, would make another history.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from lib.notes import BadNoteError, TreeHead, parse_tree_head

NAME = "signed"


class LogRefusesError(RuntimeError):
    """The log can be neither appended to nor signed until an operator has acted; the message says how."""


def folder() -> Path:
    """The log's folder, made if absent, for this account alone."""
    path: Path = settings.LOG_ROOT
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LogRefusesError(f"the log's folder {path} cannot be used: {error.strerror}") from error
    return path


@contextmanager
def alone() -> Iterator[None]:
    """Only one process signs, or makes keys, at a time."""
    lock = os.open(folder() / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def last_note() -> str:
    """The checkpoint signed last; "" where none ever was."""
    try:
        return (folder() / NAME).read_text()
    except FileNotFoundError:
        return ""


def last_signed() -> TreeHead | None:
    """What that checkpoint says. Raises LogRefusesError where the file holds anything else."""
    note = last_note()
    try:
        return parse_tree_head(note.partition("\n\n")[0] + "\n") if note else None
    except BadNoteError as error:
        raise LogRefusesError(f"{folder() / NAME} does not hold the checkpoint signed last: restore it") from error


def refuse_behind(size: int) -> None:
    """Raises LogRefusesError where more than `size` entries were signed already."""
    last = last_signed()
    if last and last.size > size:
        raise LogRefusesError(
            f"the database holds {size} entries of the log, but this node has signed {last.size}: it was restored from "
            "an older backup. Fetch the entries it lacks from any copy of the log: manage.py refill_log <its address>"
        )


def remember(note: str) -> None:
    """Puts the checkpoint on the disk as the one signed last, before anybody else may see it."""
    write_durably(folder() / NAME, note.encode())


def write_durably(path: Path, content: bytes) -> None:
    """The file, this account's alone, holds this content or what it held before; after the return also on the disk."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
