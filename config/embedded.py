"""PostgreSQL and Redis for a single machine, from the installed wheels: no container and no root needed.

Any command, with both servers up:

    python -m config.embedded ./manage.py shell
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from config import postgres, redis_server
from config.home import ServiceError, data_folder, explained, locked, prepare, sockets
from config.processes import (
    START_SECONDS,
    Child,
    Emit,
    die_with_parent,
    end_leftovers,
    end_with_make,
    one_line_errors,
    stop_on_signals,
)


class Service(NamedTuple):
    """One of the two servers."""

    name: str
    variable: str  # set in the environment, it names somebody else's server: ours is not needed
    start: Callable[[Path, Emit | None], Child]
    is_ready: Callable[[Path], bool]


SERVICES = [
    Service("postgres", "DATABASE_URL", postgres.start, postgres.is_ready),
    Service("redis", "REDIS_URL", redis_server.start, redis_server.is_ready),
]


@contextmanager
def services(home: Path, *, emit: Emit | None = None, own: bool = False) -> Iterator[list[Child]]:
    """Both servers up; yields those that we started and will stop. Raises ServiceError.

    Servers that another process runs for this home are used and left alone; ours wait at the end for other
    processes that use them. With `own` neither happens: they must be ours, and stop at once.
    """
    wanted = [service for service in SERVICES if not os.environ.get(service.variable)]
    if not wanted:
        yield []
        return
    prepare(home)
    with ExitStack() as stack:
        children: list[Child] = []
        users = stack.enter_context(locked(home, "users", fcntl.LOCK_SH))
        for service in wanted:
            children += stack.enter_context(_served(service, home, emit, own))
        yield children
        if children and not own:
            fcntl.flock(users, fcntl.LOCK_EX)


@contextmanager
def _served(service: Service, home: Path, emit: Emit | None, own: bool) -> Iterator[list[Child]]:
    """One server up: a list of the child we started, or an empty one if it is another process's."""
    with ExitStack() as stack:
        if not _is_ours(stack, service, home, own):
            yield []
            return
        child = service.start(home, emit)
        stack.callback(_remove_sockets, home)
        stack.callback(end_leftovers, child.folder, 0)
        stack.callback(child.stop)
        yield [child]


def _is_ours(stack: ExitStack, service: Service, home: Path, own: bool) -> bool:
    """Whether we are to run it: we hold its lock. False: another process does, and it answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(BlockingIOError):
            stack.enter_context(locked(home, service.name, fcntl.LOCK_EX | fcntl.LOCK_NB))
            return True
        if own:
            raise ServiceError(f"another command uses the {service.name} of {home}: end it first")
        if service.is_ready(home):
            return False
        if time.monotonic() > deadline:
            raise ServiceError(f"the {service.name} that another command runs for {home} does not answer")
        time.sleep(0.1)


def _remove_sockets(home: Path) -> None:
    """Leaves no empty folders behind."""
    for place in (sockets(home) / "postgres", sockets(home)):
        with suppress(OSError):
            place.rmdir()


# --- Command line -------------------------------------------------------------------------------------------
def run(command: list[str]) -> int:
    """Runs the command in our terminal and returns its exit code, 128 and the signal if one ended it."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal tells the command as well, and it decides
    with explained(f"{command[0]} cannot be run"):
        process = subprocess.Popen(
            command,
            env={**os.environ, "FAULTLINE_HOME": str(data_folder())},
            preexec_fn=partial(die_with_parent, signal.SIGTERM, os.getpid()),  # noqa: PLW1509 - one system call
        )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: process.send_signal(number))
    code = process.wait()
    stop_on_signals()
    return code if code >= 0 else 128 - code


def main() -> int:
    """`python -m config.embedded COMMAND ...`"""
    command = sys.argv[1:]
    if not command:
        print("usage: python -m config.embedded COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    end_with_make()
    stop_on_signals()
    with services(data_folder()):
        return run(command)


if __name__ == "__main__":
    sys.exit(one_line_errors(main))
