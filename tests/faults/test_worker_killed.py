"""A worker killed with SIGKILL in the middle of a lookup: the report is enriched all the same."""

import pytest

from catalogue.models import Lookup, Snapshot
from incidents.models import Incident
from tests import factories
from tests.conftest import kill_tree
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_another_worker_takes_over_when_the_lease_runs_out(start, tmp_path):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        hub.fail("example-org/tiny-chat", "slow")
        worker = ["celery", "-A", "config", "worker", "--concurrency", "1", "--loglevel", "INFO"]
        settings = {
            "FAULTLINE_HUB_HUGGINGFACE_ENDPOINT": hub.url,
            "FAULTLINE_LEASE_SECONDS": "2",
            "FAULTLINE_BEAT_SECONDS": "1",
        }
        # A wake may be lost, and the killed worker's message is: beat finds the row.
        start(
            *("celery", "-A", "config", "beat", "--schedule", str(tmp_path / "beat")),
            log=tmp_path / "beat.log",
            **settings,
        )
        first = start(*worker, log=tmp_path / "first.log", **settings)
        factories.report()
        # The hub has been asked and is slow to answer: the lookup is under way.
        wait_for(lambda: hub.requests)
        lease = Lookup.objects.get()
        assert lease.leased_until is not None
        kill_tree(first)
        assert Snapshot.objects.count() == 0

        hub.faults.clear()
        start(*worker, log=tmp_path / "second.log", **settings)
        snapshot = wait_for(Snapshot.objects.first)
        assert snapshot.revision == example_model("example-org/tiny-chat")["sha"]
        after = wait_for(lambda: Lookup.objects.filter(outcome="ok").first())
        assert (after.strikes, after.leased_until) == (0, None)
        assert Snapshot.objects.count() == 1
        assert not Incident.objects.exists()
