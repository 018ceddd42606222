"""What changed, as a JSON Patch that an independent reader applies."""

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from incidents.json_patch import json_patch

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(st.sampled_from("ab/~"), max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from("ab/~"), max_size=2), inner),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(st.sampled_from("ab/~01"), max_size=3), VALUES, max_size=4)


def exactly(value):
    """The value as text: to Python, true is 1."""
    return repr(value) if not isinstance(value, dict) else repr(sorted((k, exactly(v)) for k, v in value.items()))


@given(DOCUMENTS, DOCUMENTS)
def test_the_patch_makes_any_document_of_any_other(before, after):
    assert exactly(jsonpatch.apply_patch(before, json_patch(before, after))) == exactly(after)


@given(DOCUMENTS)
def test_nothing_changes_by_nothing(document):
    assert json_patch(document, document) == []


def test_one_more_entry_is_one_operation():
    before = {"aliases": ["AIID-1", "AIID-2"]}
    after = {"aliases": ["AIID-0", "AIID-1", "AIID-2"]}
    assert json_patch(before, after) == [{"op": "add", "path": "/aliases/0", "value": "AIID-0"}]


def test_a_changed_member_of_an_entry_is_that_member_alone():
    before = {"affected": [{"name": "a", "status": "affected"}, {"name": "b", "status": "affected"}]}
    after = {"affected": [{"name": "a", "status": "affected"}, {"name": "b", "status": "fixed"}]}
    assert json_patch(before, after) == [{"op": "replace", "path": "/affected/1/status", "value": "fixed"}]
