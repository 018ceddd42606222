"""Fixtures every test may use: personas' browsers without a browser, and the real processes around the code."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
from allauth.account.internal.flows.login import record_authentication
from celery import current_app
from django.conf import settings
from django.db import connection, connections
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis

from accounts.models import User
from api import incident_list
from incidents import guard, position
from lib import limits
from lib.store import store
from tests import database, factories
from tests.waiting import PATIENCE

ROOT = Path(__file__).parent.parent
# A password costs half a second by design; the tests make hundreds.
settings.PASSWORD_HASHERS = ["tests.hashing.FewRounds"]
# Another connection would not see what a test has not committed; `tests/incidents/test_reader.py` uses the real one.
settings.PUBLIC_READS = "default"
# How long one example takes says how busy the machine is, and nothing of the code.
hypothesis.register_profile("suite", deadline=None)
hypothesis.load_profile("suite")


# What takes minutes, or waits for other processes: whole nodes, killed workers, browsers.
_LONG = ("tests/federation/test_ring.py", "tests/config/", "tests/faults/", "tests/browser/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: at the end, no process that shares the tests is left alone with them."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.fixture(autouse=True)
def _clients_sign_in_with_a_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Client.login` and `force_login` open the session that the login pages open for somebody with a second factor.

    Those pages themselves are tested by posting to them.
    """
    sign_in = Client._login

    def sign_in_fully(self: Client, user: User, backend: str | None = None) -> None:
        sign_in(self, user, backend)
        session = self.session
        record_authentication(SimpleNamespace(session=session), user, "mfa", type="totp")
        session.save()

    monkeypatch.setattr(Client, "_login", sign_in_fully)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any) -> str:
    """Has the tests' database copied where that can be; the name of what it is copied from."""
    with django_db_blocker.unblock():
        return database.use_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_modify_db_settings: str, django_db_blocker: Any) -> Iterator[None]:
    """After a test with transactions of its own all tables are emptied, which append-only ones refuse elsewhere."""
    with django_db_blocker.unblock():
        database.keep_template(django_db_modify_db_settings)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'never_emptied'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER never_emptied")
        # Nothing here has to survive the loss of power; whoever connects, no commit waits for the disk.
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = off")
        cursor.execute("SET synchronous_commit = off")
    yield
    # A database that a thread of a test's server is still in cannot be dropped, nor one that we are in.
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
        connections.close_all()


def empty_what_was_used(_case: TransactionTestCase | None = None) -> None:
    """Empties the tables that a test with transactions of its own has left rows in.

    Django empties all eighty, then writes content types and permissions anew: half a second each time. Those two stay.
    """
    assert connection.settings_dict["NAME"].startswith("test_"), "this is not the tests' database"
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    names -= {"auth_permission", "django_content_type"}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names))
        if used := ", ".join(name for (name,) in cursor.fetchall()):
            cursor.execute(f"TRUNCATE {used} CASCADE")


TransactionTestCase._fixture_teardown = empty_what_was_used


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A client signed in as somebody."""

    def client_of(user: User) -> Client:
        client = Client()
        assert client.login(username=user.username, password=factories.PASSWORD)
        return client

    return client_of


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that shares this test's database, broker and secrets."""

    def own(url: str) -> str:
        address = urlsplit(url)
        folder = address.path.rpartition("/")[0]
        return urlunsplit(address._replace(path=f"{folder}/{connection.settings_dict['NAME']}"))

    databases = {"DATABASE_URL": own(settings.DATABASE_URL), "DATABASE_READER_URL": own(settings.DATABASE_READER_URL)}
    return {**os.environ, **databases, "REDIS_URL": settings.REDIS_URL, **changes}


@pytest.fixture(autouse=True)
def _no_limits_from_the_test_before() -> None:
    """Buckets and circuits live in Redis, which no transaction rolls back."""
    for name in store().scan_iter(f"{settings.QUEUE}:*"):
        store().delete(name)
    limits.forget()


@pytest.fixture(autouse=True)
def _no_position_from_the_test_before() -> None:
    """Where the log stands is known for a second; that of another test, and what it answered, may not outlive it."""
    position.forget()
    incident_list.kept.clear()


@pytest.fixture(autouse=True)
def _nothing_signed_by_the_test_before() -> None:
    """The guard outside the database outlives what a test rolls back."""
    (settings.LOG_ROOT / guard.NAME).unlink(missing_ok=True)


@pytest.fixture
def broker_gone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where the broker was; afterwards everything connects to the real one again."""

    def forget() -> None:
        current_app._after_fork()  # drops the pools, which keep their addresses
        monkeypatch.setattr("lib.wake._given_up_until", 0.0)

    forget()
    with monkeypatch.context() as gone:
        gone.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:9/0")
        yield
    forget()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `python -m module ...` as a process of the node; whatever still runs at the end of the test is killed."""
    running: list[subprocess.Popen[bytes]] = []

    def start_process(*command: str, log: Path, **changes: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment(**changes),
                stdout=output,
                stderr=output,
            )
        running.append(process)
        return process

    yield start_process
    for process in running:
        kill_tree(process)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a process and all it started."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        member.kill() if member.is_running() else None
    process.wait(timeout=PATIENCE)
