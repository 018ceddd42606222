"""Servers side by side, and what they answer in a second and cost in CPU."""

import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.conf import settings

from config.run import web_command
from tests.bench.collection import addresses
from tests.conftest import kill_tree

ROOT = Path(__file__).parents[2]
CONNECTIONS, SECONDS, ROUNDS = 4, 1.5, 5


@dataclass
class Way:
    """One server and what it is asked; `rates` and CPU milliseconds an answer, a value each round."""

    name: str
    port: int
    process: subprocess.Popen
    questions: list[str]
    expected: int = 200
    rates: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    @property
    def rate(self):
        """Answers a second, the median."""
        return statistics.median(self.rates)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(address, application, *, command=None, **environment):
    """A WSGI application on that database, served as `make run` serves ours: yields its port and process."""
    port = free_port()
    asked = command(port) if command else [sys.executable, "-m", *web_command("127.0.0.1", port)[:-1], application]
    process = subprocess.Popen(
        asked,
        cwd=ROOT,
        env={
            **os.environ,
            **addresses(address),
            "FAULTLINE_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FAULTLINE_BASE_URL": "http://127.0.0.1:8000",
            # Counted as always, with as much taken ahead, and enough for whoever measures.
            "FAULTLINE_API_LIMIT_ADDRESS": "6000/1",
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert time.monotonic() < deadline, f"{application} does not start"
            time.sleep(0.1)
        yield port, process
    finally:
        kill_tree(process)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def asked(way, seconds=SECONDS):
    """Answers a second."""
    command = [sys.executable, "-m", "tests.bench.load", str(way.port), str(seconds), str(CONNECTIONS)]
    text = "".join(f"{question}\n" for question in way.questions)
    done = subprocess.run(
        [*command, str(way.expected)], input=text, capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{way.name}: {done.stderr[-2000:]}")
    count, _bytes, took = done.stdout.split()
    return int(count) / float(took), int(count)


def interleaved(ways, rounds=ROUNDS):
    """Every way in turn, round after round, so that whatever else the machine does meets all of them."""
    for way in ways:
        asked(way, 1.0)
    for _ in range(rounds):
        for way in ways:
            before = cpu(way.process.pid), database_cpu()
            rate, count = asked(way)
            after = cpu(way.process.pid), database_cpu()
            way.rates.append(rate)
            way.own.append((after[0] - before[0]) / count * 1000)
            way.database.append((after[1] - before[1]) / count * 1000)


def cpu(pid):
    """Seconds of CPU of a process and all it started."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


def database_cpu():
    """Seconds of CPU of the embedded database."""
    return cpu(int(Path(settings.HOME, "postgres", "postmaster.pid").read_text().split()[0]))


def table(ways, base):
    """One line for each way: answers a second, the ratio to `base`, CPU milliseconds of its own and the database's."""
    for way in ways:
        own, database = statistics.median(way.own), statistics.median(way.database)
        print(f"  {way.name:34} {way.rate:9.1f}/s {way.rate / base.rate:7.2f}   {own:7.2f} ms {database:7.2f} ms")
