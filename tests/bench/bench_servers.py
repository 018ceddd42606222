"""Web servers under the same application: granian as `make run` starts it, with fewer threads, and gunicorn.

Run by hand: `make bench ARGS="-k servers"`. gunicorn comes into a virtual environment of its own.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from config.run import web_command
from tests.bench.bench_reads import API, FILTERS, prepared
from tests.bench.serving import Way, interleaved, served, table

SIZE = 10_000
APPLICATION = "config.wsgi:application"


@pytest.fixture(autouse=True)
def _real_database(django_db_blocker):
    with django_db_blocker.unblock():
        yield


def packages_with_gunicorn(folder):
    """The folder of packages of a virtual environment with gunicorn; skips where it cannot be installed."""
    place = Path(folder, "gunicorn")
    try:
        if not place.exists():
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            subprocess.run([place / "bin" / "pip", "install", "--quiet", "gunicorn==23.0.0"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"gunicorn cannot be installed here: {error}")
    return next(place.glob("lib/python*/site-packages"))


def granian(threads):
    def command(port):
        plain = web_command("127.0.0.1", port)
        plain[plain.index("--blocking-threads") + 1] = str(threads)
        return [sys.executable, "-m", *plain]

    return command


def gunicorn(threads):
    def command(port):
        asked = [
            "gunicorn",
            "--workers",
            "2",
            "--worker-class",
            "gthread",
            "--threads",
            str(threads),
            "--bind",
            f"127.0.0.1:{port}",
        ]
        return [sys.executable, "-m", *asked, "--log-level", "error", APPLICATION]

    return command


def test_servers():
    address, ids = prepared(SIZE)
    details = [f"{API}/{public_id}" for public_id in ids]
    packages = {
        "PYTHONPATH": os.pathsep.join([str(packages_with_gunicorn(settings.HOME)), os.environ.get("PYTHONPATH", "")])
    }
    servers = {
        "granian, 16 threads": granian(16),
        "granian, 4 threads": granian(4),
        "granian, 1 thread": granian(1),
        "gunicorn, 16 threads": gunicorn(16),
        "gunicorn, 1 thread": gunicorn(1),
    }
    for title, questions in {"details": details, "lists": [API + one for one in FILTERS]}.items():
        with ExitStack() as stack:
            ways = []
            for name, command in servers.items():
                place = stack.enter_context(served(address, name, command=command, **packages))
                ways.append(Way(name, *place, questions))
            interleaved(ways)
        print(f"\n{title}: answers a second, ratio to the first, CPU an answer here and in the database")
        table(ways, ways[0])
