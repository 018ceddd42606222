"""Reading untrusted bytes in a process of its own: bounded memory and time, an empty environment, no file to write.

A task is named `package.module:function` and takes the bytes. It returns facts that JSON can hold, and bytes; what it
cannot read safely it refuses with RefusedFileError. Tasks import no framework and no settings, so that there are no
secrets in the process.
"""

import json
import resource
import struct
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import structlog

from lib.refusal import RefusalError, Words

log = structlog.get_logger()

MOST_MEMORY = 1_500_000_000
MOST_CPU_SECONDS = 20
MOST_SECONDS = 60
MOST_BYTES_OUT = 64_000_000
_AT_ONCE = 2
_PATIENCE_SECONDS = 30
_PROJECT = Path(__file__).resolve().parent.parent
_START = "from lib.confined import answer; answer()"
_HEADER = struct.Struct(">I")
_places = BoundedSemaphore(_AT_ONCE)


class RefusedFileError(RefusalError):
    """The file is not taken; the message is a sentence for whoever sent it."""


def _too_much() -> RefusedFileError:
    return RefusedFileError(
        "Reading this file takes more time or memory than is safe, so it is refused. Send a smaller or simpler one."
    )


def run(task: str, content: bytes) -> tuple[dict[str, Any], bytes]:
    """What `task` makes of `content`. Raises RefusedFileError, also where the task takes too much or crashes."""
    if not _places.acquire(timeout=_PATIENCE_SECONDS):
        raise RefusedFileError("Many files are being read just now. Please try again in a minute.")
    try:
        command = [sys.executable, "-c", _START, task]
        done = subprocess.run(
            command, input=content, capture_output=True, cwd=_PROJECT, env={}, timeout=MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _too_much() from error
    finally:
        _places.release()
    if done.returncode:
        # Its words may quote the file, so only how it ended is logged.
        log.warning("a confined task ended badly", task=task, code=done.returncode)
        raise _too_much()
    (length,) = _HEADER.unpack_from(done.stdout)
    facts = json.loads(done.stdout[_HEADER.size : _HEADER.size + length])
    if refused := facts.get("refused"):
        raise _refusal(refused)
    return facts["facts"], done.stdout[_HEADER.size + length :]


def answer() -> None:
    """What the process does: takes the task's name as its argument and the bytes on standard input."""
    _limit()
    module, _, function = sys.argv[1].partition(":")
    content = sys.stdin.buffer.read()
    try:
        facts, result = getattr(import_module(module), function)(content)
        said: dict[str, Any] = {"facts": facts} if len(result) <= MOST_BYTES_OUT else _refused(_too_much())
    except RefusedFileError as refusal:
        said, result = _refused(refusal), b""
    except MemoryError:
        said, result = _refused(_too_much()), b""
    header = json.dumps(said).encode()
    sys.stdout.buffer.write(_HEADER.pack(len(header)) + header + (result if "facts" in said else b""))


def _refused(refusal: RefusedFileError) -> dict[str, Any]:
    """A refusal as JSON, which does not tell words from other texts."""
    words = [name for name, value in refusal.values.items() if isinstance(value, Words)]
    return {"refused": {"sentence": refusal.sentence, "values": refusal.values, "words": words}}


def _refusal(refused: dict[str, Any]) -> RefusedFileError:
    sentence, words = refused["sentence"], refused["words"]
    return RefusedFileError(sentence, **{k: Words(v) if k in words else v for k, v in refused["values"].items()})


def _limit() -> None:
    bounds = [
        (resource.RLIMIT_CPU, MOST_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MOST_MEMORY),
    ]
    for which, most in bounds:
        with suppress(ValueError):  # macOS knows no bound on memory
            resource.setrlimit(which, (most, most))
