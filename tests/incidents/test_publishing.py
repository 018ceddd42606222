"""The public log: gap-free, in commit order, and never rewritten."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from incidents import log, stored
from incidents.models import Incident, Operation, Publication
from incidents.publishing import NotPublishableError, mint_public_id, publish, revise
from incidents.record import Record
from tests import factories

WRITERS, EACH = 8, 25


def next_version(record, **changes):
    return Record.model_validate({**record.document(), **changes})


@pytest.mark.django_db
class TestOneWriter:
    def test_publishing_stores_the_bytes_and_their_digest(self):
        entry = publish(factories.record())
        incident = Incident.objects.get()
        assert entry.number == 1
        assert bytes(entry.document) == bytes(incident.document)
        assert list(log.problems()) == []

    def test_corrections_and_withdrawals_are_new_entries(self):
        record = factories.record()
        publish(record)
        revise(
            Operation.CORRECT,
            next_version(record, version=2, title="Better title", notice="The title was wrong."),
        )
        revise(
            Operation.WITHDRAW,
            next_version(record, version=3, status="withdrawn", notice="It did not happen."),
        )
        assert [(e.number, e.operation, e.version) for e in Publication.objects.all()] == [
            (1, "publish", 1),
            (2, "correct", 2),
            (3, "withdraw", 3),
        ]
        assert Incident.objects.get().status == "withdrawn"
        assert list(log.problems()) == []

    def test_versions_go_up_by_exactly_one(self):
        record = factories.record()
        publish(record)
        for version in (1, 3):
            with pytest.raises(NotPublishableError, match="version"):
                revise(Operation.CORRECT, next_version(record, version=version))
        with pytest.raises(NotPublishableError, match="already"):
            publish(record)

    def test_a_withdrawal_is_final(self):
        record = factories.record()
        publish(record)
        gone = next_version(record, version=2, status="withdrawn", notice="Wrong.")
        revise(Operation.WITHDRAW, gone)
        with pytest.raises(NotPublishableError, match="final"):
            revise(Operation.CORRECT, next_version(record, version=3))

    def test_only_the_origin_changes_a_record(self):
        record = factories.record(origin="elsewhere.example")
        publish(record)
        with pytest.raises(NotPublishableError, match=r"elsewhere\.example"):
            revise(Operation.CORRECT, next_version(record, version=2))

    def test_the_database_refuses_to_rewrite_the_log(self):
        publish(factories.record())
        for change in (
            lambda: Publication.objects.update(digest="0" * 64),
            lambda: Publication.objects.all().delete(),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                change()

    def test_the_verifier_sees_that_something_else_is_served(self):
        publish(factories.record())
        Incident.objects.update(document=b"{}")
        assert any("served" in problem for problem in log.problems())

    def test_ids_are_random_and_say_nothing_but_the_year(self):
        from datetime import UTC, datetime

        ids = {mint_public_id(datetime(2026, 5, 1, tzinfo=UTC)) for _ in range(200)}
        assert len(ids) == 200
        assert all(public_id.startswith("FL-2026-") for public_id in ids)


@pytest.mark.django_db(transaction=True)
def test_the_verifier_names_what_does_not_hold():
    for _ in range(3):
        publish(factories.record())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE incidents_publication DISABLE TRIGGER append_only")
        cursor.execute("UPDATE incidents_publication SET document = document || ' ' WHERE number = 2")
        cursor.execute("ALTER TABLE incidents_publication ENABLE TRIGGER append_only")
    assert [problem for problem in log.problems() if "#2" in problem]


@pytest.mark.django_db(transaction=True)
def test_many_writers_leave_no_gap_and_a_reader_who_follows_misses_nothing():
    """8 writers x 25 publications in transactions of different length, and a reader polling as a peer would."""
    failures: list[Exception] = []
    finished = threading.Event()
    seen: list[int] = []

    def write(writer: int) -> None:
        try:
            for turn in range(EACH):
                with transaction.atomic():
                    publish(factories.record())
                    time.sleep(0.003 * ((writer + turn) % 3))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    def follow() -> None:
        try:
            while True:
                last_round = finished.is_set()
                entries = stored.entries_after(seen[-1] if seen else 0, 7)
                seen.extend(entry.number for entry in entries)
                if last_round and not entries:
                    return
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    reader = threading.Thread(target=follow)
    for thread in [reader, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    finished.set()
    reader.join()
    assert failures == []
    assert seen == list(range(1, WRITERS * EACH + 1))
    assert list(log.problems()) == []
    assert Incident.objects.count() == WRITERS * EACH
