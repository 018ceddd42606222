"""Processes that end with us, and how our own commands end: on signals, with one line for each error."""

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from config.home import PROJECT, ServiceError, explained

SERVERS = {"postgres", "redis-server", "valkey-server"}
START_SECONDS = 60.0
STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

Emit = Callable[[str, str], None]  # takes a process's name and a line of its output


class Account(NamedTuple):
    """Whom a process runs as."""

    uid: int
    gid: int


# --- Children -----------------------------------------------------------------------------------------------
def die_with_parent(death_signal: int, parent: int) -> None:
    """Runs in a new child: the kernel sends it the signal when the parent ends, however that happens."""
    with suppress(AttributeError):  # Linux only
        _LIBC.prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        os._exit(1)


class Child:
    """A process that ends with us. Its lines go to `emit` while it is loud; the last ones explain its end."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        emit: Emit | None = None,
        loud: bool = True,
        stop_signal: int = signal.SIGTERM,
        death_signal: int | None = None,
        env: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path = PROJECT,
    ) -> None:
        """Starts it, on the main thread only: that thread is what the kernel watches. Raises ServiceError."""
        self.name, self.folder, self.loud = name, folder, loud
        self._emit, self._stop_signal = emit, stop_signal
        self._tail: deque[str] = deque(maxlen=30)
        with explained(f"{name} cannot be started ({command[0]})"):
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=folder,
                env=env,
                # A session of its own: Ctrl-C reaches us alone, and we decide the order.
                start_new_session=True,
                preexec_fn=partial(die_with_parent, death_signal or stop_signal, os.getpid()),  # noqa: PLW1509 - one system call
                user=account and account.uid,
                group=account and account.gid,
                extra_groups=account and [],
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Passes lines on until the last holder of the pipe is gone."""
        for line in self.process.stdout or ():
            self._tail.append(line.rstrip())
            if self.loud and self._emit:
                self._emit(self.name, line.rstrip())

    @property
    def ended(self) -> bool:
        """Whether it stopped, by itself or by us."""
        return self.process.poll() is not None

    def lines(self) -> list[str]:
        """The last lines it said."""
        if self.ended:
            self._reader.join(1)
        return [line for line in self._tail if line]

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Asks it to stop, waits, then kills whatever is left of its group."""
        self.loud = False
        if not self.ended:
            self.process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(1)


# --- Servers -------------------------------------------------------------------------------------------------
def wait_until(answers: Callable[[], bool], child: Child) -> None:
    """Returns once the server answers. Raises ServiceError with its own words if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if child.ended:
            raise ServiceError(f"{child.name} did not start: {reason(child.lines())}")
        if time.monotonic() > deadline:
            raise ServiceError(f"{child.name} did not answer within {START_SECONDS:.0f} seconds")
        time.sleep(0.03)


def reason(lines: list[str]) -> str:
    """The line that says why, among a program's last ones."""
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error"))]
    return (telling or lines or ["it said nothing"])[0 if telling else -1]


def end_leftovers(folder: Path, seconds: float) -> None:
    """Waits for servers in this folder whose supervisor was killed, then kills them; needs the lock."""
    deadline = time.monotonic() + seconds
    while left := servers_in(folder):
        if time.monotonic() > deadline + STOP_SECONDS:
            raise ServiceError(f"process {left[0]} uses {folder} and cannot be stopped")
        if time.monotonic() > deadline:
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        time.sleep(0.03)


def servers_in(folder: Path) -> list[int]:
    """The numbers of the servers that work in the folder: both programs change into their data."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text().strip() in SERVERS and (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


def clean_environment() -> dict[str, str]:
    """The environment of the servers: none of the caller's PG* variables."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def wheel(package: str) -> Path | None:
    """The folder of a package, found without importing it; None if it is not installed."""
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


# --- Our own end --------------------------------------------------------------------------------------------
def stop_on_signals() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP unwind the program: every `with` stops what it started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    """Raises SystemExit; a second signal must not interrupt the clean-up that this one began."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def one_line_errors(program: Callable[[], int]) -> int:
    """The program's exit code; its ServiceError or OSError becomes one line on standard error and 1."""
    try:
        return program()
    except ServiceError as error:
        print(f"faultline: {error}", file=sys.stderr)
    except OSError as error:
        print(f"faultline: {error.strerror}: {error.filename}", file=sys.stderr)
    return 1


def end_with_make() -> None:
    """Started by make, be stopped when make is killed: make cannot tell us then."""
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM, os.getppid())
