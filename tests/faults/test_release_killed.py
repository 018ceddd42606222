"""A worker killed with SIGKILL in the middle of a publication: the record becomes public once, by the next worker."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from incidents.models import Publication
from incidents.tree import LOCK
from reports import release
from reports.models import Activity, Release, ReleaseState
from tests import factories
from tests.conftest import kill_tree
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def waits_for_the_log():
    """Whether somebody is about to append, and held up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [LOCK]
        )
        return cursor.fetchone()[0] > 0


def test_the_next_worker_publishes_what_a_killed_one_had_begun(start, tmp_path, settings):
    settings.UNDO_SECONDS = 30
    worker = ["celery", "-A", "config", "worker", "--concurrency", "1", "--loglevel", "INFO"]
    changes = {"FAULTLINE_LEASE_SECONDS": "2", "FAULTLINE_BEAT_SECONDS": "1"}
    beat = ["celery", "-A", "config", "beat", "--schedule", str(tmp_path / "beat")]
    row = release.schedule(case=factories.worded_case(), verb="publish", by=factories.moderator())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    start(*beat, log=tmp_path / "beat.log", **changes)
    first = start(*worker, log=tmp_path / "first.log", **changes)
    Release.objects.update(due_at=timezone.now())
    # The case is locked and its state checked; only the log's lock keeps it from being written.
    wait_for(waits_for_the_log)
    kill_tree(first)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    assert not Publication.objects.exists()

    start(*worker, log=tmp_path / "second.log", **changes)
    wait_for(Publication.objects.exists)
    row.refresh_from_db()
    assert (row.state, row.leased_until) == (ReleaseState.RELEASED, None)
    assert Publication.objects.count() == 1
    assert Activity.objects.filter(verb="publish").count() == 1
    call_command("verify_log")
