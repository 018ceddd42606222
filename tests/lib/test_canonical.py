"""Canonical bytes, digests and the chain."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.canonical import NotCanonicalError, canonical_bytes, chain, digest

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    # RFC 7493: no surrogates
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


def test_members_are_sorted_and_nothing_is_spaced():
    assert canonical_bytes({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()


@given(json_values)
def test_the_bytes_read_back_as_the_value_and_canonicalise_to_themselves(value):
    once = canonical_bytes(value)
    assert canonical_bytes(json.loads(once)) == once


@pytest.mark.parametrize("value", [float("nan"), 2**60, "\ud800", {"a": object()}])
def test_what_json_cannot_carry_is_refused(value):
    with pytest.raises(NotCanonicalError):
        canonical_bytes(value)


def test_a_link_covers_the_link_before_and_the_leaf():
    first = chain("", b"one")
    assert first == hashlib.sha256(bytes(32) + b"one").hexdigest()
    assert chain(first, b"two") == digest(bytes.fromhex(first) + b"two")
    assert chain(first, b"two") != chain("", b"two")
