"""The tests' own database: copied while the migrations stay as they are, and made anew when one changes."""

import pytest
from django.db import connection

from tests import database

SCRATCH = "test_scratch_of_templates"


@pytest.fixture
def server(django_db_setup, django_db_blocker):
    """A cursor in the server, and afterwards no database of this test."""
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        yield cursor
        for name in [*_names(cursor), SCRATCH]:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _names(cursor):
    cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{SCRATCH}_template_"])
    return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def migration(tmp_path):
    """A migration, as a file."""
    path = tmp_path / "0001_initial.py"
    path.write_text("from lib.canonical import digest\n")
    return path


@pytest.fixture
def scratch(server, monkeypatch, migration):
    """An empty database in the place of the tests' own, with that one migration."""
    server.execute(f'CREATE DATABASE "{SCRATCH}"')
    monkeypatch.setitem(connection.settings_dict, "NAME", SCRATCH)
    monkeypatch.setitem(
        connection.settings_dict, "TEST", {**connection.settings_dict["TEST"], "NAME": SCRATCH, "TEMPLATE": None}
    )
    monkeypatch.setattr(database, "_sources", lambda: iter([migration]))


def test_the_first_run_keeps_what_the_second_copies(server, scratch):
    template = database.use_template()
    assert connection.settings_dict["TEST"]["TEMPLATE"] is None
    database.keep_template(template)
    assert _names(server) == [template]
    assert database.use_template() == template
    assert connection.settings_dict["TEST"]["TEMPLATE"] == template
    database.keep_template(template)
    assert _names(server) == [template]


def test_a_migration_that_changes_is_run_and_what_the_old_one_made_is_dropped(server, scratch, migration):
    old = database.use_template()
    database.keep_template(old)
    migration.write_text("from lib.canonical import canonical_bytes\n")
    new = database.use_template()
    assert new != old
    assert connection.settings_dict["TEST"]["TEMPLATE"] is None
    database.keep_template(new)
    assert _names(server) == [new]


def test_what_a_migration_takes_from_our_modules_counts_as_its_own(migration):
    assert list(database._imported(migration)) == [database.ROOT / "lib" / "canonical.py"]


def test_every_migration_counts():
    sources = {path.relative_to(database.ROOT) for path in database._sources() if path.is_relative_to(database.ROOT)}
    written = {path.relative_to(database.ROOT) for path in database.ROOT.glob("*/migrations/0*.py")}
    assert len(written) > 40
    assert written <= sources
