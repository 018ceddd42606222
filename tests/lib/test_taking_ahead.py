"""Units of a budget that a process takes ahead: fewer round trips, and never more than the quota."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import limits
from lib.limits import Budget, Limit, take_ahead, used
from lib.store import key, store


@pytest.fixture
def budget():
    name = key("limit", "test of ahead")
    store().delete(name)
    limits.forget()
    yield Budget(name, Limit(1000, 1000))
    limits.forget()
    store().delete(name)


@pytest.fixture
def trips(monkeypatch):
    """Every call of Redis, by its cost."""
    made, take = [], limits.take
    monkeypatch.setattr(limits, "take", lambda budgets, cost=1: made.append(cost) or take(budgets, cost))
    return made


def test_a_caller_sees_each_call_taken_and_redis_is_asked_ever_more_rarely(budget, trips):
    left = [take_ahead(budget).left for _ in range(60)]
    assert left == list(range(999, 939, -1))
    assert trips[:3] == [1, 3, 5]
    assert max(trips) == 11  # a hundredth of the quota, and the call itself
    assert len(trips) < 10
    assert 60 <= used(budget) <= 70


def test_never_more_than_the_quota_passes(budget):
    with ThreadPoolExecutor(8) as threads:
        standings = list(threads.map(lambda _: take_ahead(budget), range(1100)))
    let_in = [one for one in standings if not one.wait]
    # Under a unit comes back in the second that this takes; what is held at the end by no thread is not lost.
    assert 980 <= len(let_in) <= 1010
    assert min(one.left for one in let_in) >= 0


def test_who_was_gone_for_a_while_gets_back_what_was_not_used(budget, trips, monkeypatch):
    now = limits.monotonic()
    monkeypatch.setattr(limits, "monotonic", lambda: now)
    for _ in range(3):
        take_ahead(budget)
    assert trips == [1, 3]
    now += 5
    assert take_ahead(budget).left == 996
    assert trips == [1, 3, 0]


def test_a_small_quota_is_taken_one_by_one(trips):
    small = Budget(key("limit", "small of ahead"), Limit(5, 1000))
    store().delete(small.name)
    standings = [take_ahead(small) for _ in range(6)]
    assert [one.left for one in standings] == [4, 3, 2, 1, 0, 0]
    assert standings[-1].wait > 0
    assert trips == [1] * 6


def test_what_costs_more_than_is_held_is_taken_as_a_whole(budget):
    for _ in range(4):
        take_ahead(budget)
    assert take_ahead(budget, 100).left == 896
    assert take_ahead(budget, 10_000).wait > 0
