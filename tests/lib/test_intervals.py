"""Confidence limits of counts, against the published table and by their definition."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.intervals import poisson_interval, relative_width


@pytest.mark.parametrize(
    ("events", "lower", "upper"),
    # Breslow and Day 1987, table 2.10, and the limits every handbook of epidemiology reprints.
    [(0, 0, 3.689), (1, 0.025, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (20, 12.217, 30.888)],
)
def test_limits_are_those_of_the_printed_table(events, lower, upper):
    assert poisson_interval(events) == pytest.approx((lower, upper), abs=0.001)


@settings(max_examples=30)
@given(st.integers(1, 400))
def test_each_limit_leaves_two_and_a_half_percent_beyond_it(events):
    def chance_of_at_most(count, mean):
        term, total = math.exp(-mean), 0.0
        for number in range(count + 1):
            total += term
            term *= mean / (number + 1)
        return total

    lower, upper = poisson_interval(events)
    assert 1 - chance_of_at_most(events - 1, lower) == pytest.approx(0.025, abs=1e-9)
    assert chance_of_at_most(events, upper) == pytest.approx(0.025, abs=1e-9)


def test_the_approximation_of_many_takes_over_without_a_step():
    exact, approximate = poisson_interval(1000), poisson_interval(1001)
    for before, after in zip(exact, approximate, strict=True):
        assert 0.9 < after - before < 1.1


def test_ten_events_are_just_certain_enough_and_none_never():
    assert relative_width(10) < 1.6 < relative_width(7)
    assert relative_width(0) == math.inf
    with pytest.raises(ValueError, match="negative"):
        poisson_interval(-1)
