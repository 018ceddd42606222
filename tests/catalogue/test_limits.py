"""How often a hub is asked: one bucket and one circuit for all workers, in real Redis."""

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from catalogue import limits
from catalogue.hub import Answer, Outcome, Quota, Reference
from catalogue.lookups import look_up_due
from catalogue.models import Lookup, Snapshot
from catalogue.naming import name_model
from lib.store import store
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.waiting import PATIENCE

HUB = "huggingface"


def told(calls, seconds, outcome=Outcome.OK):
    return Answer(outcome, quota=Quota(calls, seconds))


def permitted(times):
    return sum(limits.wait_before_asking(HUB) == 0 for _ in range(times))


def test_the_hubs_own_count_is_believed_when_it_is_lower():
    assert permitted(1) == 1
    limits.learn(HUB, told(3, 60))
    assert permitted(10) == 3
    assert 50 < limits.wait_before_asking(HUB) <= 66


def test_a_credential_that_may_ask_more_than_anybody_is_believed_at_its_first_answer():
    limits.learn(HUB, told(4_000, 60))
    assert limits.state(HUB).calls_left == 4_000


def test_a_count_that_is_higher_than_ours_gives_nothing_back_within_the_window():
    limits.learn(HUB, told(2, 60))
    limits.learn(HUB, told(400, 60))
    assert permitted(5) == 2


def test_a_window_that_is_over_is_a_fresh_one():
    limits.learn(HUB, told(0, 1))
    assert permitted(1) == 0
    time.sleep(1.05)
    assert permitted(1) == 1


def test_a_refusal_without_a_count_stops_for_as_long_as_it_says():
    limits.learn(HUB, Answer(Outcome.RATE_LIMITED, retry_after=120))
    assert 110 < limits.wait_before_asking(HUB) <= 132


def test_each_credential_has_a_bucket_of_its_own(settings):
    limits.learn(HUB, told(0, 60))
    assert limits.wait_before_asking(HUB) > 0
    settings.HUB_TOKENS = {HUB: "hf_one"}
    assert limits.wait_before_asking(HUB) == 0
    assert not [name for name in store().scan_iter("*") if "hf_one" in name]


def test_the_circuit_opens_after_failures_in_a_row_and_an_answer_closes_it():
    for _ in range(limits.FAILURES_TO_OPEN - 1):
        limits.learn(HUB, Answer(Outcome.TRANSIENT))
    assert limits.wait_before_asking(HUB) == 0
    limits.learn(HUB, Answer(Outcome.TRANSIENT))
    assert limits.wait_before_asking(HUB) > 30
    assert limits.state(HUB).open_seconds > 30
    limits.learn(HUB, Answer(Outcome.NOT_FOUND_OR_PRIVATE))
    assert limits.wait_before_asking(HUB) == 0


def test_after_its_time_the_circuit_lets_one_question_through(monkeypatch):
    monkeypatch.setattr(limits, "FIRST_OPEN_SECONDS", 1)
    for _ in range(limits.FAILURES_TO_OPEN):
        limits.learn(HUB, Answer(Outcome.TRANSIENT))
    assert permitted(1) == 0
    time.sleep(1.05)
    assert permitted(5) == 1


def test_without_redis_nothing_is_asked_and_nobody_waits_long(settings):
    settings.CACHE_URL = "redis://127.0.0.1:9/1"
    store.cache_clear()
    try:
        started = time.monotonic()
        assert limits.wait_before_asking(HUB) == limits.WITHOUT_STORE_SECONDS
        assert limits.state(HUB) is None
        limits.learn(HUB, told(1, 1))
        assert time.monotonic() - started < 5
    finally:
        store.cache_clear()


def test_many_threads_take_no_call_twice():
    limits.learn(HUB, told(100, 60))
    together, taken = threading.Barrier(8), []

    def take():
        together.wait()
        taken.append(permitted(30))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 100


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_200_due_models_stays_within_the_budget_and_ends_complete(settings):
    """The hub allows 80 calls a second-and-a-half and refuses the rest; four workers, until all are answered."""
    settings.WAKES = {"model named": [], "lookups left over": []}
    names = [f"storm/model-{number}" for number in range(200)]
    with StandInHub([example_model(each) for each in names]) as hub:
        settings.HUB_ENDPOINTS = {HUB: hub.url}
        hub.allow(80, 1.5)
        for each in names:
            name_model(Reference(HUB, each))

        def work():
            while Lookup.objects.filter(answered_at=None).exists():
                look_up_due()
                time.sleep(0.05)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < PATIENCE
        # Workers that were between permission and answer when the window closed may be refused once each.
        assert len(hub.requests) - hub.refused == 200
        assert hub.refused <= 4 * 3
    assert Snapshot.objects.count() == 200
    assert not Lookup.objects.exclude(outcome="ok").exists()
    assert not Lookup.objects.filter(due_at__lte=timezone.now()).exists()
