"""What differs between two versions, line by line."""

from incidents.differences import differences


def shown(before, after):
    return {one.field: [f"{line.mark}{line.text}" for line in one.lines] for one in differences(before, after)}


BEFORE = {
    "id": "FL-1",
    "version": 1,
    "summary": "One.\nTwo.",
    "affected": [{"name": "a", "files": [], "status": "affected"}, {"name": "b", "status": "affected"}],
    "aliases": ["AIID-1"],
    "occurred": None,
    "notice": "",
}


def test_only_fields_that_changed_and_of_them_the_lines():
    after = {**BEFORE, "version": 2, "summary": "One.\nThree.", "aliases": ["AIID-1", "AIID-2"]}
    assert shown(BEFORE, after) == {"summary": ["One.", "-Two.", "+Three."], "aliases": ["AIID-1", "+AIID-2"]}


def test_entries_are_shown_apart_without_what_is_empty():
    after = {**BEFORE, "affected": [*BEFORE["affected"][:1], {"name": "b", "status": "fixed"}]}
    lines = ["name: a", "status: affected", "", "name: b", "-status: affected", "+status: fixed"]
    assert shown(BEFORE, after) == {"affected": lines}


def test_the_order_of_names_is_no_change():
    turned = [dict(reversed(entry.items())) for entry in BEFORE["affected"]]
    assert shown(BEFORE, {**BEFORE, "affected": turned}) == {}


def test_what_disappears_is_shown_too():
    after = {name: value for name, value in BEFORE.items() if name != "aliases"}
    assert shown(BEFORE, after) == {"aliases": ["-AIID-1"]}


def test_against_nothing_everything_that_says_something_is_new():
    assert set(shown(None, BEFORE)) == {"summary", "affected", "aliases"}


def test_nothing_changed_is_nothing_shown():
    assert shown(BEFORE, {**BEFORE, "version": 2, "modified": "2026-01-01T00:00:00Z"}) == {}
