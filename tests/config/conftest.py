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
from pathlib import Path

import psutil
import pytest

from config import embedded

OURS = {"DATABASE_URL", "REDIS_URL", "HOST", "PORT", "MAKELEVEL", "FAULTLINE_BASE_URL", "FAULTLINE_DEMO"}


class Program:
    """One of our command lines running on a home, its output in files, its family remembered."""

    def __init__(self, home: Path, *command: str, **changes: str) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        # Files, not pipes: a pipe that nobody empties would stop the program.
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - see `close`
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=embedded.PROJECT,
            env={**kept, "FAULTLINE_HOME": str(home), **changes},
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

    def says(self, text: str, seconds: float = 60) -> None:
        """Returns once it has printed the text; fails if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while text not in self.out:
            assert self.process.poll() is None, self.out + self.err
            assert time.monotonic() < deadline, self.out + self.err
            time.sleep(0.05)

    def ends(self, seconds: float = 30) -> int:
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
            for process in survivors(family, 5):
                process.kill()
        shutil.rmtree(embedded.sockets(self.home), ignore_errors=True)
        self._out.close()
        self._err.close()


def survivors(family: list[psutil.Process], seconds: float = 15) -> list[psutil.Process]:
    """Who is left of a family after some time."""
    return psutil.wait_procs(family, timeout=seconds)[1]


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs and sees to it that none outlives the test."""
    programs: list[Program] = []

    def start_program(home: Path, *command: str, **changes: str) -> Program:
        programs.append(Program(home, *command, **changes))
        return programs[-1]

    yield start_program
    for program in programs:
        program.close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a short name that, if we are root, the database's account can pass through."""
    path = Path(tempfile.mkdtemp(prefix="faultline-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A home that does not exist yet."""
    return folder / f"{request.node.name[:40]}-{time.monotonic_ns() % 10**6}"


@pytest.fixture
def port() -> int:
    """A port nobody listens on."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


def ask(home: Path, statement: str) -> str:
    """What this home's database answers, if it has an answer."""
    with embedded._connection(embedded.sockets(home) / "postgres", "faultline", "faultline") as database:
        found = database.execute(statement)
        return str(found.fetchone()[0]) if found.description else ""


def stop_all(number: int, processes: list[psutil.Process]) -> None:
    """The same signal for each that still runs."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


SIGKILL, SIGINT, SIGTERM = signal.SIGKILL, signal.SIGINT, signal.SIGTERM
