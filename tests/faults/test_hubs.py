"""Hubs, Redis and workers that fail while many models are due: real worker processes, real HTTP, real Redis."""

import time

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from redis import Redis

from catalogue import limits
from catalogue.hub import Reference
from catalogue.models import Alias, Lookup, Model, Snapshot
from catalogue.naming import name_model
from tests.conftest import kill_tree
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

HUB = "huggingface"
WORKER = ["celery", "-A", "config", "worker", "--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO"]
BEAT = ["celery", "-A", "config", "beat", "--scheduler", "celery.beat:Scheduler"]


@pytest.fixture
def node(start, tmp_path):
    """Starts so many workers of one process each, and beat, against the hub at `url`; the workers."""

    def start_node(url, *, workers, **changes):
        variables = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.lookups_only",
            "FAULTLINE_HUB_HUGGINGFACE_ENDPOINT": url,
            "FAULTLINE_BEAT_SECONDS": "1",
            # Longer than a busy machine takes over one question: only a killed worker loses its lease.
            "FAULTLINE_LEASE_SECONDS": "20",
            "FAULTLINE_HUB_CIRCUIT_SECONDS": "0.5",
            **changes,
        }
        start(*BEAT, log=tmp_path / "beat.log", **variables)
        return [
            start(*WORKER, "--hostname", f"worker-{number}@%h", log=tmp_path / f"worker-{number}.log", **variables)
            for number in range(workers)
        ]

    return start_node


def names(count, prefix="storm"):
    return [f"{prefix}/model-{number:03}" for number in range(count)]


def name_all(wanted):
    """All at once: workers see none of them or all."""
    with transaction.atomic():
        for name in wanted:
            name_model(Reference(HUB, name))


def answered(count):
    return lambda: Lookup.objects.exclude(answered_at=None).count() >= count


def wait_until_no_lease_is_held():
    wait_for(lambda: not Lookup.objects.exclude(leased_until=None).exists())


def all_is_well(*, snapshots):
    """Every lookup has a verdict and none is held, parked or blamed; every model that answered has one snapshot."""
    at_rest = Lookup.objects.filter(leased_until=None, parked_at=None, strikes=0, attempts=0, last_error="")
    assert at_rest.filter(due_at__gt=timezone.now()).count() == Lookup.objects.count()
    assert Snapshot.objects.count() == snapshots
    assert not Model.objects.annotate(kept=Count("snapshots")).filter(kept__gt=1).exists()


def hang_up(hub):
    """Ends the connections that workers keep open, which outlive the listening socket."""
    for name in hub.models:
        hub.fail(name, "hang_up")


def test_a_hub_that_is_down_for_a_while_is_asked_rarely_and_everything_is_answered_after_it(node):
    models = [example_model(name) for name in names(50)]
    with StandInHub(models) as hub:
        node(hub.url, workers=2)
        name_all(names(20))
        wait_for(answered(20))
        hang_up(hub)
    port = int(hub.url.rpartition(":")[2])
    Lookup.objects.update(due_at=timezone.now())
    name_all(names(50))
    wait_for(lambda: limits.state(HUB).open_seconds > 0)
    time.sleep(5)

    state, attempts = limits.state(HUB), sum(Lookup.objects.values_list("attempts", flat=True))
    assert state.failures >= limits.FAILURES_TO_OPEN
    # Five failures open the circuit, the other worker may be asking meanwhile, and then it is one probe each time.
    assert attempts <= state.failures + 2 <= limits.FAILURES_TO_OPEN + 8
    assert Snapshot.objects.count() == 20
    assert not Lookup.objects.exclude(parked_at=None).exists()

    with StandInHub(models, port=port) as hub:
        wait_for(lambda: Lookup.objects.filter(outcome="ok", last_error="", attempts=0).count() == 50)
        wait_until_no_lease_is_held()
        assert len(hub.requests) == 50
    all_is_well(snapshots=50)
    assert limits.state(HUB).failures == 0


def test_redis_emptied_in_the_middle_loses_no_work_and_hardly_a_call(node):
    with StandInHub([example_model(name) for name in names(60)]) as hub:
        hub.allow(20, 2.0)
        node(hub.url, workers=2)
        name_all(names(60))
        wait_for(answered(25))
        # Broker and buckets.
        for database in (settings.REDIS_URL, settings.CACHE_URL):
            Redis.from_url(database).flushdb()
        wait_for(answered(60))
        wait_until_no_lease_is_held()
        # Whoever asks first after the flush knows no limits; the hub's refusal teaches them.
        assert hub.refused <= 2
        assert len(hub.requests) - hub.refused == 60
    all_is_well(snapshots=60)


def test_a_worker_killed_in_the_middle_of_a_batch_leaves_one_model_for_the_next_worker(node):
    wanted = names(60)
    with StandInHub([example_model(name) for name in wanted]) as hub:
        hub.fail(wanted[30], "slow")
        [first] = node(hub.url, workers=1, FAULTLINE_LEASE_SECONDS="4")
        name_all(wanted)
        wait_for(lambda: any(wanted[30] in path for _, path in hub.requests))
        kill_tree(first)
        held = Lookup.objects.exclude(leased_until=None).get()
        assert (held.alias.name, Snapshot.objects.count()) == (wanted[30], 30)
        hub.faults.clear()
        node(hub.url, workers=1, FAULTLINE_LEASE_SECONDS="4")
        wait_for(answered(60))
        wait_until_no_lease_is_held()
        assert len(hub.requests) == 61
    all_is_well(snapshots=60)


def test_a_storm_of_refusals_through_two_workers_stays_within_the_budget(node):
    wanted = names(240)
    expected = dict.fromkeys(wanted, "ok") | dict.fromkeys(wanted[:10], "gated")
    expected |= dict.fromkeys(wanted[10:20], "disabled") | dict.fromkeys(wanted[20:40], "not_found_or_private")
    states = {"ok": {}, "gated": {"gated": "manual"}, "disabled": {"disabled": True}}
    served = [example_model(name, **states[state]) for name, state in expected.items() if state in states]
    with StandInHub(served) as hub:
        hub.allow(60, 3.0)
        node(hub.url, workers=2)
        name_all(wanted)
        wait_for(answered(1))
        started = time.monotonic()
        wait_for(answered(240))
        # Four windows of 60: the last one opens when three are over.
        assert time.monotonic() - started > 8
        wait_until_no_lease_is_held()
        assert hub.refused == 0
        assert len(hub.requests) == 240
    assert dict(Lookup.objects.values_list("alias__name", "outcome")) == expected
    assert Alias.objects.count() == 240
    all_is_well(snapshots=220)
