"""The database role of public reads: every public table open to it, every other closed, and nothing to write."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from federation import peering, pulling
from incidents import checkpoints, overlay, reader
from incidents.publishing import publish
from tests import factories
from tests.stand_ins.node import Node

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "public"])

# Whatever belongs to these holds what people sent us, who they are, or the workings of a node.
PRIVATE_APPS = ("account_", "accounts_", "auth_", "django_", "mfa_", "reports_")
PRIVATE_TABLES = {
    # What moderators think of names, and hubs' answers as they came.
    "catalogue_concern",
    "catalogue_rawanswer",
    # Whom this node follows, how it judges them, and what it puts aside.
    "federation_cosigning",
    "federation_evidence",
    "federation_notice",
    "federation_outcome",
    "federation_run",
    # When a worker looks again, which tells what it last looked at.
    "incidents_exportrefresh",
    "incidents_osvrefresh",
    "incidents_searchrefresh",
}
# Here no hub was asked, no peer cosigned, and no row is of a model that is shown.
EMPTY = {"catalogue_attestation", "federation_cosignature", *reader.OPEN_ROWS} - {
    "catalogue_model",
    "catalogue_alias",
    "catalogue_lookup",
}
MAY_NOT = "permission denied"


@pytest.fixture
def as_reader(monkeypatch):
    """Runs a statement as the role; nothing but its privileges stands in the way."""
    monkeypatch.setattr(settings, "PUBLIC_READS", "public")
    role = connections["public"]

    def run(statement):
        with role.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None

    yield run
    role.close()


def tables():
    return set(connection.introspection.table_names(include_views=True))


def test_every_table_is_known_to_be_public_or_private():
    private = {name for name in tables() if name.startswith(PRIVATE_APPS)} | PRIVATE_TABLES
    assert tables() - private == {*reader.PUBLIC_TABLES, *reader.OPEN_ROWS, *reader.PUBLIC_COLUMNS}
    assert private.isdisjoint(reader.PUBLIC_TABLES)
    assert tables() >= PRIVATE_TABLES


def test_it_is_a_role_of_its_own_with_little_time(as_reader):
    assert as_reader("SELECT current_user")[0] == settings.READER["role"] != settings.DATABASES["default"]["USER"]
    assert as_reader("SHOW statement_timeout")[0] == "5s"
    assert as_reader("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user") == (
        False,
    )


def test_it_reads_every_public_table_and_no_other(as_reader):
    factories.published_case()
    publish(factories.record(aliases=("AIID-313",)))
    checkpoints.sign_due()
    factories.report()
    other = Node()
    theirs = other.log.publish()
    pulling.pull_alone(peering.add(vkey=other.log.vkey, node=other.address, acceptance="publish"))
    overlay.annotate(theirs.id, note="Seen here, too.")
    other.stop()
    for name in sorted(tables()):
        if name in reader.PUBLIC_TABLES or name in reader.OPEN_ROWS:
            assert (as_reader(f"SELECT count(*) FROM {name}")[0] > 0) == (name not in EMPTY)
        else:
            with pytest.raises(DatabaseError, match=MAY_NOT):
                as_reader(f"SELECT * FROM {name}")


def test_of_a_peer_it_reads_what_everybody_may_know(as_reader):
    columns = ", ".join(reader.PUBLIC_COLUMNS["federation_peer"])
    as_reader(f"SELECT count(({columns})) FROM federation_peer")
    for judged in ("acceptance", "licences", "most_entries"):
        with pytest.raises(DatabaseError, match=MAY_NOT):
            as_reader(f"SELECT count({judged}) FROM federation_peer")


@pytest.mark.parametrize("name", [*reader.PUBLIC_TABLES, *reader.OPEN_ROWS])
def test_it_changes_nothing(as_reader, name):
    for statement in (f"DELETE FROM {name}", f"TRUNCATE {name} CASCADE", f"INSERT INTO {name} DEFAULT VALUES"):
        with pytest.raises(DatabaseError, match=MAY_NOT):
            as_reader(statement)


def test_it_makes_nothing_and_sees_no_sequence(as_reader):
    for statement in ("CREATE TABLE mine (id int)", "SELECT last_value FROM reports_report_id_seq"):
        with pytest.raises(DatabaseError, match=MAY_NOT):
            as_reader(statement)


def test_migrating_takes_back_what_is_not_listed(as_reader):
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON reports_report TO {settings.READER['role']}")
    as_reader("SELECT count(*) FROM reports_report")
    call_command("migrate", verbosity=0)
    with pytest.raises(DatabaseError, match=MAY_NOT):
        as_reader("SELECT count(*) FROM reports_report")
    as_reader("SELECT count(*) FROM incidents_incident")


def test_a_role_that_is_absent_is_made_or_asked_for_in_one_line():
    """Here we own the database but may make no roles, as on a server that somebody else runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        may = cursor.fetchone()[0]
    if may:
        with transaction.atomic():
            reader.grant("faultline_test_reader", "secret")
            transaction.set_rollback(True)
    else:
        with pytest.raises(reader.NoReaderError, match="CREATE ROLE faultline_test_reader"):
            reader.grant("faultline_test_reader", "secret")


@pytest.mark.parametrize("address", ["/api/v1/incidents", "/api/v1/incidents/{}", "/api/v1/changes"])
def test_the_api_needs_no_more_than_the_role_has(as_reader, address):
    publication = publish(factories.record(title="Read by a role that may do little"))
    answer = Client().get(address.format(publication.incident.public_id))
    assert answer.status_code == 200
    assert b"Read by a role that may do little" in answer.content
