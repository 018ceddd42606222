"""Who did what: nobody changes it unnoticed, and what must be forgotten can be."""

import os
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from lib.canonical import canonical_bytes, chain
from reports import history, workflow
from reports.actors import Software, record_activity
from reports.models import Activity, ActivityLink
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def verify(*known):
    out = StringIO()
    call_command("verify_history", *known, stdout=out, stderr=StringIO())
    return out.getvalue()


def without_triggers(*statements):
    """What the owner of the tables can do who knows how."""
    triggers = ("reports_activity append_only", "reports_activity link", "reports_activitylink append_only")
    with connection.cursor() as cursor:
        for switch, after in (("DISABLE", statements), ("ENABLE", ())):
            for trigger in triggers:
                table, name = trigger.split()
                cursor.execute(f"ALTER TABLE {table} {switch} TRIGGER {name}")
            for statement in after:
                cursor.execute(statement)


@pytest.fixture
def some_history():
    """A report's way to the public: a dozen activities, some with notes."""
    factories.published_case()
    report = factories.report()
    workflow.reject(report=report, by=factories.moderator(), reason=workflow.RejectReason.SPAM, note="Sells lamps.")
    return list(Activity.objects.order_by("pk"))


def test_every_activity_has_its_place_in_the_chain(some_history):
    links = list(ActivityLink.objects.order_by("number").select_related("activity"))
    assert [link.activity for link in links] == some_history
    previous = ""
    for number, link in enumerate(links, start=1):
        leaf = {"activity": link.activity.pk, "digest": link.activity.digest, "number": number}
        assert link.chain == chain(previous, canonical_bytes(leaf))
        previous = link.chain
    assert verify() == f"{len(links)} activities, whole; {len(links)}:{previous}\n"


@pytest.mark.parametrize("table", ["incidents_publication", "reports_activity", "reports_activitylink"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_or_empty_it(some_history, table, statement):
    columns = {"reports_activity": "verb = 'claim'", "reports_activitylink": "chain = ''"}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER never_emptied")
        with pytest.raises(DatabaseError, match="append-only"):
            cursor.execute(statement.format(table, columns.get(table, "version = 9")))
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("verb", "'accept'"),
        ("actor_name", "'somebody'"),
        ("at", "at + interval '1 microsecond'"),
        ("report_id", "NULL"),
        ("after", "'accepted'"),
        ("note", "'Sells camps.'"),
        ("note_digest", "repeat('0', 64)"),
        ("digest", "repeat('0', 64)"),
    ],
)
def test_one_changed_column_is_named_with_its_row(some_history, column, value):
    last = some_history[-1]
    without_triggers(f"UPDATE reports_activity SET {column} = {value} WHERE id = {last.pk}")
    assert next(history.problems()).startswith(f"#{len(some_history)}, activity {last.pk}: ")
    with pytest.raises(CommandError, match="problems in the history"):
        verify()


def test_a_row_changed_together_with_its_digest_breaks_the_chain(some_history):
    row = some_history[2]
    row.verb = "nothing"
    without_triggers(
        f"UPDATE reports_activity SET verb = 'nothing', digest = '{history.row_digest(row)}' WHERE id = {row.pk}"
    )
    assert next(history.problems()) == f"#3, activity {row.pk}: the chain breaks here"


def test_a_row_taken_out_is_missing(some_history):
    row = some_history[3]
    without_triggers(
        f"DELETE FROM reports_activitylink WHERE activity_id = {row.pk}",
        f"DELETE FROM reports_activity WHERE id = {row.pk}",
    )
    assert next(history.problems()) == "#4 is missing"


def test_a_row_smuggled_in_is_in_no_link(some_history):
    columns = "at, actor_name, verb, before, after, note, note_salt, note_digest, digest"
    copied = f"SELECT {columns} FROM reports_activity WHERE id = {some_history[0].pk}"
    without_triggers(f"INSERT INTO reports_activity ({columns}) {copied}")
    assert "is in no link of the chain" in next(history.problems())


def test_an_end_cut_off_shows_against_the_head_noted_before(some_history):
    noted = verify().split()[-1]
    row = some_history[-1]
    without_triggers(
        f"DELETE FROM reports_activitylink WHERE activity_id = {row.pk}",
        f"DELETE FROM reports_activity WHERE id = {row.pk}",
    )
    assert verify()
    with pytest.raises(CommandError):
        verify(noted)


def test_a_note_emptied_without_an_erasure_is_named(some_history):
    row = some_history[-1]
    Activity.objects.filter(pk=row.pk).update(note="", note_salt="")
    assert "nobody erased" in next(history.problems())


def test_what_is_rolled_back_leaves_no_gap():
    with transaction.atomic():
        factories.report()
        transaction.set_rollback(True)
    factories.report()
    assert verify().startswith("1 activities, whole")


def test_writers_at_once_make_one_chain_and_none_waits_for_another_to_finish_its_work():
    writers, each = 8, 5
    start, failures = threading.Barrier(writers), []

    def write(name):
        try:
            start.wait()
            for number in range(each):
                with transaction.atomic():
                    record_activity(Software(name), "first", note=f"note {number}")
                    # Were the chain locked from here on, the next line of any two would wait for each other.
                    record_activity(Software(name), "second")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(f"writer {n} of {os.getpid()}",)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ActivityLink.objects.count() == writers * each * 2
    assert list(history.problems()) == []
    names = list(ActivityLink.objects.order_by("number").values_list("activity__actor_name", "activity__verb"))
    # A transaction's activities follow each other: the chain is in the order of commits.
    assert all(first[0] == second[0] for first, second in zip(names[::2], names[1::2], strict=True))
