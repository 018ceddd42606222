"""Kept values: those used last, of one state, within so many bytes."""

from hypothesis import given
from hypothesis import strategies as st

from lib.kept import Kept

STATES, KEYS = st.sampled_from("ab"), st.integers(0, 9)
STEPS = st.lists(st.tuples(STATES, KEYS, st.binary(max_size=40)), max_size=60)


@given(STEPS)
def test_what_comes_back_is_what_was_kept_last_in_this_state(steps):
    kept, expected, before = Kept(320, len), {}, ""
    for state, key, value in steps:
        if state != before:
            expected, before = {}, state
        found = kept.get(state, key)
        assert found is None or found == expected[key]
        kept.keep(state, key, value)
        if len(value) <= 20:
            expected[key] = value
            assert kept.get(state, key) == value


def test_those_used_last_stay():
    kept = Kept(320, len)
    for number in range(17):
        kept.get("a", 0)
        kept.keep("a", number, b"x" * 20)
    assert [number for number in range(17) if kept.get("a", number)] == [0, *range(2, 17)]


def test_a_value_that_would_push_out_many_is_not_kept():
    kept = Kept(320, len)
    kept.keep("a", 1, b"x" * 20)
    kept.keep("a", 2, b"x" * 21)
    assert (kept.get("a", 1), kept.get("a", 2)) == (b"x" * 20, None)


def test_nothing_outlives_the_first_question_about_another_state():
    kept = Kept(320, len)
    kept.keep("a", 1, b"taken back since")
    assert kept.get("b", 1) is None
    assert kept.get("a", 1) is None
