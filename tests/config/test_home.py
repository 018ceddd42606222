"""A node's home: its addresses as every client reads them, and its secrets."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import pytest
from cryptography.fernet import Fernet
from kombu.utils.url import url_to_parts
from redis.connection import parse_url as parse_redis_url

from config.home import (
    LONGEST_SOCKET,
    PROJECT,
    broker_url,
    data_folder,
    database_url,
    prepare,
    redis_url,
    secrets,
    sockets,
    with_database,
)

# --- Addresses ------------------------------------------------------------------------------------------------
HOMES = ["/srv/Faultline", "/srv/a b,c%41+d/ä#s?t@x:1'\"", "/srv/" + 150 * "long"]


@pytest.mark.parametrize("home", HOMES)
def test_addresses_reach_the_clients_as_they_are(home):
    home = Path(home)
    found = environ.Env.db_url_config(database_url(home))
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["USER"], found["NAME"]) == (
        f"{sockets(home)}/postgres",
        "faultline",
        "faultline",
    )
    assert str(found["PORT"]) == "5432"
    url = redis_url(home)
    assert parse_redis_url(url)["path"] == f"{sockets(home)}/redis.sock"
    assert parse_redis_url(with_database(url, 3))["db"] == 3
    broker = broker_url(with_database(url, 2))
    assert broker.startswith("redis+socket:///")
    parts = url_to_parts(broker)
    assert (f"/{parts.path}", parts.query) == (f"{sockets(home)}/redis.sock", {"virtual_host": "2"})


@pytest.mark.parametrize("home", HOMES)
def test_socket_names_are_short_enough_and_differ(home):
    place = sockets(Path(home))
    assert len(os.fsencode(place / "postgres/.s.PGSQL.5432")) <= LONGEST_SOCKET
    assert "," not in str(place)
    assert place != sockets(Path(home + "2"))


def test_other_redis_addresses_keep_their_form():
    url = "rediss://me:secret@redis.example:6380/0?ssl_cert_reqs=required"
    assert broker_url(url) == url
    assert with_database(url, 1) == "rediss://me:secret@redis.example:6380/1?ssl_cert_reqs=required"
    assert with_database("redis://redis", 1) == "redis://redis/1"


def test_home_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAULTLINE_HOME", "here")
    assert data_folder() == tmp_path / "here"
    monkeypatch.setenv("FAULTLINE_HOME", "")
    assert data_folder() == PROJECT / "var"


# --- Secrets --------------------------------------------------------------------------------------------------
def test_many_processes_at_once_agree_on_the_secrets(home):
    code = "import os; from config.home import data_folder, secrets; print(sorted(secrets(data_folder()).items()))"
    command = [sys.executable, "-c", code]

    def ask_for_secrets(_number: int) -> str:
        done = subprocess.run(command, env={**os.environ, "FAULTLINE_HOME": str(home)}, capture_output=True, check=True)
        return done.stdout.decode()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask_for_secrets, range(8)))
    assert answers == {f"{sorted(secrets(home).items())}\n"}
    assert stat.S_IMODE((home / "secrets.env").stat().st_mode) == 0o600


def test_secrets_are_strong_and_fit_their_use(home):
    made = secrets(home)
    assert set(made) == {"FAULTLINE_SECRET_KEY", "FAULTLINE_RECEIPT_PEPPER", "FAULTLINE_SEAL_KEY"}
    assert len(set(made.values())) == 3
    assert min(map(len, made.values())) >= 44
    Fernet(made["FAULTLINE_SEAL_KEY"])


def test_a_missing_secret_is_added_and_the_rest_kept(home):
    prepare(home)
    (home / "secrets.env").write_text("# mine\nFAULTLINE_SECRET_KEY=chosen=by=hand\nOTHER=1")
    made = secrets(home)
    assert made["FAULTLINE_SECRET_KEY"] == "chosen=by=hand"
    lines = (home / "secrets.env").read_text().splitlines()
    assert lines[:3] == ["# mine", "FAULTLINE_SECRET_KEY=chosen=by=hand", "OTHER=1"]
    assert secrets(home) == made
