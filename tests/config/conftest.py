"""Real supervisors and servers, each test in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from config import postgres
from config.home import PROJECT, sockets
from config.processes import servers_in
from tests.waiting import PATIENCE

OURS = {"DATABASE_URL", "REDIS_URL", "HOST", "PORT", "MAKELEVEL", "FAULTLINE_BASE_URL", "FAULTLINE_DEMO"}

MEMORY_NEEDED = 2_000_000_000
# A whole node that sets itself up, on a machine with much else to do.
A_FIRST_LIFE = 4 * PATIENCE
SIGKILL, SIGINT, SIGTERM = signal.SIGKILL, signal.SIGINT, signal.SIGTERM


class Program:
    """One of our command lines running on a home, its output in files, its family remembered."""

    def __init__(self, home: Path, *command: str, **changes: str) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        # Files, not pipes: a pipe that nobody empties would stop the program.
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - see `close`
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env={
                **kept,
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "FAULTLINE_HOME": str(home),
                "FAULTLINE_STARTER": "1/9",  # enough to see that the starter collection comes in
                **changes,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )

    @property
    def out(self) -> str:
        """What it printed."""
        return os.pread(self._out.fileno(), 1_000_000, 0).decode()

    @property
    def err(self) -> str:
        """What it complained about."""
        return os.pread(self._err.fileno(), 1_000_000, 0).decode()

    def says(self, text: str, seconds: float = A_FIRST_LIFE) -> None:
        """Returns once it has printed the text; fails if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while text not in self.out:
            assert self.process.poll() is None, self.out + self.err
            assert time.monotonic() < deadline, self.out + self.err
            time.sleep(0.05)

    def ends(self, seconds: float = PATIENCE) -> int:
        """Its exit code."""
        return self.process.wait(seconds)

    def signal(self, number: int) -> None:
        """Tells it alone, not what it started."""
        self.process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """All it started, and all those started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def member(self, words: str) -> psutil.Process:
        """The first of its family whose command line has these words."""
        return next(process for process in self.family() if words in " ".join(process.cmdline()))

    def close(self) -> None:
        """Leaves nothing running and no file open."""
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            self.process.wait()
            stop_all(SIGKILL, family)
            survivors(family)
        if not servers_in((self.home / "postgres").resolve()):  # or another program uses them
            shutil.rmtree(sockets(self.home), ignore_errors=True)
        self._out.close()
        self._err.close()


def survivors(family: list[psutil.Process], seconds: float = 30) -> list[psutil.Process]:
    """Who is left of a family after some time."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in family if lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def lives(process: psutil.Process) -> bool:
    """Whether it runs: one that has ended may wait long for the system to take note."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


Start = Callable[..., Program]


@contextmanager
def programs() -> Iterator[Start]:
    """Starts programs and sees to it that none outlives the block."""
    started: list[Program] = []

    def start_program(home: Path, *command: str, **changes: str) -> Program:
        started.append(Program(home, *command, **changes))
        return started[-1]

    try:
        yield start_program
    finally:
        for program in started:
            program.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs that end with the test."""
    with programs() as start_program:
        yield start_program


@pytest.fixture(scope="module")
def start_once() -> Iterator[Start]:
    """Starts programs that end with the module: for tests that only look at them."""
    with programs() as start_program:
        yield start_program


@contextmanager
def passable(parent: Path) -> Iterator[Path]:
    """A folder with a short name that, if we are root, the database's account can pass through."""
    with tempfile.TemporaryDirectory(prefix="faultline-", dir=parent) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder for homes: in memory where that is large enough, as a cluster's files are many and soon gone."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_NEEDED
    with passable(memory if roomy else Path("/tmp")) as path:
        yield path


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """A folder that programs may be started from."""
    with passable(Path("/tmp")) as path:
        yield path


@pytest.fixture
def home(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A home that does not exist yet."""
    return folder / f"{request.node.name[:40]}-{time.monotonic_ns() % 10**6}"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


@pytest.fixture
def port() -> int:
    """The same, for a test."""
    return free_port()


def copied(home: Path, new: Path) -> Path:
    """A copy of a home whose servers do not run, owners included: a new cluster takes seconds."""
    subprocess.run(["cp", "-a", str(home), str(new)], check=True)
    return new


def ask(home: Path, statement: str) -> str:
    """What this home's database answers, if it has an answer."""
    with postgres._connection(sockets(home) / "postgres", "faultline", "faultline") as database:
        found = database.execute(statement)
        return str(found.fetchone()[0]) if found.description else ""


def stop_all(number: int, processes: list[psutil.Process]) -> None:
    """The same signal for each that still runs."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
