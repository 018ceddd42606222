"""Cursors: read back as they were written, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.cursors import BadCursorError, read_cursor, write_cursor

PARTS = st.lists(st.integers() | st.text() | st.floats(allow_nan=False))


@given(st.text(), PARTS)
def test_a_cursor_says_what_was_written(walk, parts):
    assert read_cursor(walk, write_cursor(walk, *parts)) == parts


@given(st.text(), PARTS, st.text())
def test_a_cursor_of_another_walk_is_refused(walk, parts, other):
    if other != walk:
        with pytest.raises(BadCursorError, match="other filters"):
            read_cursor(other, write_cursor(walk, *parts))


@given(st.text(), PARTS, st.data())
def test_a_changed_cursor_is_refused(walk, parts, data):
    written = write_cursor(walk, *parts)
    place = data.draw(st.integers(0, len(written) - 2))
    letter = "A" if written[place] != "A" else "B"
    with pytest.raises(BadCursorError, match="not made by this node"):
        read_cursor(walk, written[:place] + letter + written[place + 1 :])


@given(st.text(), st.text())
def test_made_up_cursors_are_refused(walk, text):
    with pytest.raises(BadCursorError):
        read_cursor(walk, text)
