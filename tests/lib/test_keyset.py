"""Cursors: read back as they were written, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.keyset import BadCursorError, read, written

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))


@given(texts, st.integers(0, 2**63 - 1))
def test_what_was_written_is_read_back(text, number):
    assert read(written(text, number), str, int) == (text, number)


@given(st.text())
def test_any_other_text_is_refused(text):
    with pytest.raises(BadCursorError):
        read(text, str, int)


@pytest.mark.parametrize(
    "cursor",
    [
        written("a"),
        written(1, "a"),
        written("a", True),
        written("a", -1),
        written("a", 2**63),
        written("\x00", 1),
        written("a", 1) + "=",
        written("a", 1) + "A",
        "[" * 10_000,
        "é",
    ],
)
def test_what_we_did_not_write_is_refused(cursor):
    with pytest.raises(BadCursorError):
        read(cursor, str, int)


def test_a_lone_surrogate_never_reaches_the_database():
    with pytest.raises(BadCursorError):
        read(written("\ud800", 1), str, int)
