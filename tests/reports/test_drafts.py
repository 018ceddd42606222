"""Drafts: sealed for one browser, forgotten when due, sent once."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from lib.seal import UnreadableSealError, unseal
from reports import drafts, notices, workflow
from reports.models import Draft, Report
from tests import factories

SAID = {"account": {"text": ["a canary sings in the draft"]}}


def submit(answers):
    text = answers["account"]["text"][0].ljust(30, ".")
    return workflow.submit(submission=factories.submission(text=text), source="form")


def written(token):
    drafts.keep(token, "account", SAID["account"])
    return drafts.read(token)


@pytest.mark.django_db
class TestADraft:
    def test_gives_back_what_was_kept_to_the_browser_that_holds_it_and_to_nobody_else(self):
        token = drafts.start()
        assert written(token).answers == SAID
        for other in ("", drafts.start(), token[:-1], "x" * 43):
            found = drafts.read(other)
            assert found is None or found.answers == {}

    def test_is_not_readable_with_the_database_and_the_nodes_keys_alone(self):
        token = drafts.start()
        written(token)
        row = Draft.objects.get()
        assert token not in str(vars(row))
        with pytest.raises((UnreadableSealError, UnicodeDecodeError)):
            unseal(bytes(row.sealed), under="another token")
        assert "canary" not in unseal(bytes(row.sealed))
        assert "canary" in unseal(bytes(row.sealed), under=token)

    def test_lasts_72_hours_after_the_last_change_and_is_then_deleted(self):
        kept, over = drafts.start(), drafts.start()
        Draft.objects.update(due_at=timezone.now() + timedelta(seconds=1))
        drafts.keep(kept, "account", SAID["account"])
        latest = Draft.objects.latest("due_at")
        assert abs(latest.due_at - timezone.now() - timedelta(hours=72)) < timedelta(minutes=1)
        Draft.objects.exclude(pk=latest.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        assert drafts.read(over) is None  # even before the job comes by
        with pytest.raises(drafts.NoDraftError):
            drafts.keep(over, "account", {})
        assert drafts.forget_due() == 1
        assert Draft.objects.get() == latest

    def test_can_be_deleted_at_once(self):
        token = drafts.start(SAID)
        assert drafts.discard(token) == SAID
        assert drafts.discard(token) == {}
        assert not Draft.objects.exists()

    def test_a_field_that_stays_is_not_replaced(self):
        token = drafts.start({"evidence": {"held": ["a file"], "links": ["before"]}})
        drafts.keep(token, "evidence", {"links": ["after"]}, staying=["held"])
        assert drafts.read(token).answers == {"evidence": {"links": ["after"], "held": ["a file"]}}

    def test_holds_no_more_than_it_may(self):
        token = drafts.start()
        with pytest.raises(drafts.TooLargeDraftError):
            drafts.keep(token, "account", {"text": ["x" * drafts.MOST_CHARACTERS]})
        assert drafts.read(token).answers == {}

    def test_is_lost_and_no_error_when_its_key_is_taken_out(self, settings):
        token = drafts.start()
        settings.SEAL_KEYS = ["A" * 43 + "="]
        assert drafts.read(token) is None

    def test_the_job_that_forgets_runs_on_every_beat(self):
        assert "reports.tasks.forget_due_drafts" in settings.CELERY_BEAT_SCHEDULE


@pytest.mark.django_db
class TestSending:
    def test_stores_the_report_and_leaves_nothing_of_the_draft_but_the_receipt(self):
        token = drafts.start()
        drafts.send(token, written(token).seal, submit)
        after = drafts.read(token)
        assert after.answers == {}
        assert notices.status_for(after.receipt).state == "received"
        assert Draft.objects.get().due_at - timezone.now() < timedelta(minutes=15, seconds=1)
        with pytest.raises(drafts.NoDraftError):
            drafts.keep(token, "account", {})

    def test_again_changes_nothing(self):
        token = drafts.start()
        looked_at = written(token).seal
        drafts.send(token, looked_at, submit)
        receipt = drafts.read(token).receipt
        drafts.send(token, looked_at, submit)
        assert drafts.read(token).receipt == receipt
        assert Report.objects.count() == 1

    def test_is_refused_where_the_draft_is_another_than_the_reporter_saw(self):
        token = drafts.start()
        looked_at = written(token).seal
        drafts.keep(token, "account", {"text": ["something else, from another tab"]})
        with pytest.raises(drafts.ChangedDraftError):
            drafts.send(token, looked_at, submit)
        assert not Report.objects.exists()

    def test_that_fails_keeps_the_draft(self):
        token = drafts.start()

        def refuse(_):
            raise ValueError("incomplete")

        with pytest.raises(ValueError, match="incomplete"):
            drafts.send(token, written(token).seal, refuse)
        assert drafts.read(token).answers == SAID
        assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_draft_sent_many_times_at_the_same_instant_is_one_report_with_one_receipt():
    token = drafts.start()
    looked_at = written(token).seal
    barrier, seen, errors = threading.Barrier(8), [], []

    def send():
        try:
            barrier.wait()
            drafts.send(token, looked_at, submit)
            seen.append(drafts.read(token).receipt)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Report.objects.count() == 1
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert notices.status_for(seen[0]) is not None
