"""The supervisor behind `make run`: database, Redis, web server, worker and beat in one terminal.

`PORT` (8000) and `HOST` (127.0.0.1) say where it listens, `FAULTLINE_HOME` where it keeps its data; with a
port and a folder each, nodes run side by side. Every process it starts ends with it, even if it is killed.
"""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from config.embedded import services
from config.home import ServiceError, data_folder, only_one, prepare
from config.processes import Child, Emit, end_with_make, one_line_errors, stop_on_signals

WORKER = ["celery", "--app", "config", "--quiet", "worker", "--pool", "prefork", "--concurrency", "2"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
# The plain scheduler keeps its times in memory: there is no file that a crash could break.
BEAT = ["celery", "--app", "config", "--quiet", "beat", "--scheduler", "celery.beat:Scheduler"]
BEAT += ["--enable-remote-control", "--loglevel", "WARNING"]

LABELS = {"web": "the web server", "worker": "the worker", "beat": "the scheduler"}
LABELS |= {"postgres": "the database", "redis": "Redis"}
COLOURS = {"web": 36, "worker": 32, "beat": 35, "postgres": 34, "redis": 31, "setup": 33}
DEMO_MODERATORS = 2  # the set-up prints a line for each
ANSWER_SECONDS = 60.0
STOP_SECONDS = 5.0  # a worker's task may take longer; it is leased again
LAST_PORT = 65535
# Whoever runs this as root knows.
EXPECTED_WARNINGS = "ignore:You're running the worker with superuser privileges"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def web_command(host: str, port: int) -> list[str]:
    """The web server; its threads stay well below the database's hundred connections."""
    command = ["granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--workers", "2"]
    command += ["--blocking-threads", "16", "--respawn-failed-workers", "--workers-kill-timeout", "10"]
    return [*command, "--log-level", "error", "config.wsgi:application"]


# --- Terminal -----------------------------------------------------------------------------------------------
def printer() -> Emit:
    """Prints lines of several processes one at a time, each after its name; in colour on a terminal."""
    lock = threading.Lock()
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def emit(name: str, line: str) -> None:
        prefix = f"{name:<8} |"
        with lock, suppress(OSError):  # whoever read our output may be gone
            print(f"\033[{COLOURS[name]}m{prefix}\033[0m {line}" if coloured else f"{prefix} {line}", flush=True)

    return emit


def announcement(address: str, login: list[str]) -> str:
    """What a person needs to know once everything runs."""
    rows = [("Faultline", f"{address}/"), ("Moderation", f"{address}/console/")]
    rows += [("" if number else "Sign in", line) for number, line in enumerate(login)]
    rows += [("Data", str(data_folder())), ("", "Ctrl-C stops everything.")]
    return "\n".join(["", *(f"  {name:<12}{text}" for name, text in rows), ""])


# --- Where we listen ----------------------------------------------------------------------------------------
class Place(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    @property
    def nearby(self) -> str:
        """The host under which this machine reaches it."""
        return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def address(self) -> str:
        """The web address to show."""
        host = f"[{self.nearby}]" if ":" in self.nearby else self.nearby
        return (os.environ.get("FAULTLINE_BASE_URL") or f"http://{host}:{self.port}").rstrip("/")

    def answers(self, path: str) -> bool:
        """Whether the web server answers 200 to what a proxy in front of it would send."""
        host = urlsplit(self.address).netloc
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection((self.nearby, self.port), timeout=5) as connection:
                connection.sendall(request.encode())
                return connection.makefile("rb").readline().split()[1:2] == [b"200"]
        except OSError:
            return False


IMAGE_PLACE = Place("0.0.0.0", 8000)  # noqa: S104 - inside a container; compose says who reaches it


@contextmanager
def reserved_place() -> Iterator[Place]:
    """HOST and PORT, certainly free, and refused to any other node until the end. Raises ServiceError.

    The web server's workers share their port, so the system would let two nodes that start at once share it, too.
    """
    host, text = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) <= LAST_PORT:
        raise ServiceError(f"PORT is {text!r}, not a number from 1 to {LAST_PORT}")
    with ExitStack() as stack:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, int(text), type=socket.SOCK_STREAM)[0]
            ours = stack.enter_context(socket.socket(family, kind))
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(address)
            # From now on only who shares ports gets it, as our web server does; this attempt of others does not.
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        except OSError as error:
            advice = "set HOST and PORT to others"
            raise ServiceError(f"cannot listen on {host}, port {text} ({error.strerror}): {advice}") from error
        yield Place(host, int(text))


# --- Steps --------------------------------------------------------------------------------------------------
def environment(home: Path, place: Place) -> dict[str, str]:
    """What our processes get to know. Only a node that nobody else can reach has a demo login by default."""
    private = place.host in LOOPBACK and not os.environ.get("FAULTLINE_BASE_URL")
    defaults = {"FAULTLINE_DEMO": str(private).lower(), "PYTHONWARNINGS": EXPECTED_WARNINGS}
    ours = {"FAULTLINE_HOME": str(home), "PORT": str(place.port), "PYTHONUNBUFFERED": "1"}
    return {**defaults, **os.environ, **ours}


def set_up() -> int:
    """`python -m config.run set-up`: database up to date, starter collection in; prints the demo login, if any."""
    import django
    from django.conf import settings
    from django.core.management import CommandError, call_command

    django.setup()
    # Late: only now there are apps.
    from incidents import key_events
    from incidents.guard import LogRefusesError

    try:
        call_command("migrate", verbosity=0, interactive=False)
        key_events.ensure()
        call_command("load_starter", part=settings.STARTER, stdout=io.StringIO())
        if settings.DEMO:
            call_command("demo_moderator")
    except (CommandError, LogRefusesError) as error:
        print(error)
        return 1
    return 0


def login_after_set_up(env: dict[str, str], emit: Emit) -> list[str]:
    """Sets the node up in a process of its own; returns the demo logins, if any. Raises ServiceError."""
    command = [sys.executable, "-m", "config.run", "set-up"]
    child = Child("setup", command, env=env, death_signal=signal.SIGKILL)
    try:
        code = child.process.wait()
        lines = child.lines()
    finally:
        child.stop()
    if code:
        for line in lines:
            emit("setup", line)
        raise ServiceError("the node could not be set up; the lines above say why")
    return lines[-DEMO_MODERATORS:]  # a library's warning may come before


def start(name: str, command: list[str], env: dict[str, str], emit: Emit) -> Child:
    """One of our processes. Killed with us, a worker loses nothing: its leases run out by themselves."""
    death_signal = signal.SIGTERM if name == "web" else signal.SIGKILL
    whole = [sys.executable, "-m", *command]
    return Child(name, whole, emit=emit, env=env, death_signal=death_signal)


def stop_together(children: list[Child]) -> None:
    """All at once: none needs another to end, and whoever pressed Ctrl-C waits for the slowest only."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda child: child.stop(STOP_SECONDS), children))


def watch(children: list[Child], until: Callable[[], bool]) -> None:
    """Returns when `until` says so. Raises ServiceError as soon as any child has ended by itself."""
    while not until():
        for child in children:
            if child.ended:
                raise ServiceError(f"{LABELS[child.name]} stopped ({ending(child.process)}); stopping everything else")
        time.sleep(0.1)


def ending(process: "subprocess.Popen[str]") -> str:
    """How a process ended, for people."""
    code = process.returncode
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


# --- Everything ---------------------------------------------------------------------------------------------
def supervise() -> int:
    """Runs a node until a signal unwinds it or something in it ends: then 1. Raises ServiceError."""
    home, emit = prepare(data_folder()), printer()
    with ExitStack() as stack:
        already = f"a node already runs with the data folder {home}: set FAULTLINE_HOME to run another"
        stack.enter_context(only_one(home, "run", already))
        place = stack.enter_context(reserved_place())
        servers = stack.enter_context(services(home, emit=emit, own=True))
        env = environment(home, place)
        # Inside: what went wrong is said before everything else is stopped.
        return one_line_errors(lambda: serve(stack, servers, place, env, emit))


def serve(stack: ExitStack, servers: list[Child], place: Place, env: dict[str, str], emit: Emit) -> int:
    """Sets the node up, starts its processes and watches all of them. Raises ServiceError when one ends."""
    login = login_after_set_up(env, emit)
    ours: list[Child] = []
    stack.callback(stop_together, ours)
    for name, command in {"worker": WORKER, "beat": BEAT, "web": web_command(place.host, place.port)}.items():
        ours.append(start(name, command, env, emit))
    children = [*servers, *ours]
    deadline = time.monotonic() + ANSWER_SECONDS
    watch(children, until=lambda: place.answers("/livez") or time.monotonic() > deadline)
    if not place.answers("/livez"):
        raise ServiceError(f"the web server did not answer within {ANSWER_SECONDS:.0f} seconds")
    print(announcement(place.address, login), flush=True)
    stack.callback(print, "\nStopping.", flush=True)
    watch(children, until=lambda: False)
    return 0


def main() -> int:
    """Runs a node: 0 if it was asked to stop, 1 otherwise. With `is-ready`, the image's health check."""
    if sys.argv[1:] == ["is-ready"]:
        return 0 if IMAGE_PLACE.answers("/readyz") else 1
    if sys.argv[1:] == ["set-up"]:
        return set_up()
    end_with_make()
    stop_on_signals()
    try:
        return one_line_errors(supervise)
    except SystemExit:
        return 0


if __name__ == "__main__":
    sys.exit(main())
