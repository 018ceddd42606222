"""Signed notes and checkpoints as their specifications have them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lib.notes import (
    COSIGNATURE,
    MOST_SIGNATURES,
    BadNoteError,
    NoteKey,
    TreeHead,
    cosign,
    last_cosignature,
    only_by,
    open_note,
    parse_key,
    parse_tree_head,
    sign_note,
    with_lines,
)

# The example of the Go package that the specification describes (golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSN"
    "XgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ONE, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (7, 8))
HEAD = TreeHead("example.com/log", 5, bytes(range(32)))


def key(private, name="example.com/log", kind=1):
    return NoteKey(name, private.public_key().public_bytes_raw(), kind)


def test_the_published_example_opens():
    assert open_note(NOTE, [parse_key(PETER)]).startswith("If you think")
    assert str(parse_key(PETER)) == PETER


@given(st.integers(0, len(NOTE) - 1))
def test_no_character_of_it_can_change(place):
    changed = NOTE[:place] + ("x" if NOTE[place] != "x" else "y") + NOTE[place + 1 :]
    with pytest.raises(BadNoteError):
        open_note(changed, [parse_key(PETER)])


def test_signatures_of_others_are_passed_over_and_a_false_one_of_a_known_key_is_not():
    note = sign_note("text\n", [("example.com/log", ONE), ("example.com/other", OTHER)])
    assert open_note(note, [key(ONE)]) == "text\n"
    with pytest.raises(BadNoteError, match="no known key"):
        open_note(note, [key(OTHER)])
    forged = note.replace("text\n", "other text\n", 1)
    with pytest.raises(BadNoteError, match="does not verify"):
        open_note(forged, [key(ONE)])


def test_a_checkpoint_reads_as_it_was_written():
    assert parse_tree_head(str(HEAD)) == HEAD
    assert str(HEAD).splitlines()[:2] == ["example.com/log", "5"]


@pytest.mark.parametrize(
    "text", ["", "log\n", "log\n5\n", "log\n05\nAAAA\n", "log\n5\nAAAA\n", "log\n-1\n" + "A" * 44, "log\n5\n\nAAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(BadNoteError):
        parse_tree_head(text)


def test_a_witness_adds_its_line_and_its_time():
    note = sign_note(str(HEAD), [("example.com/log", ONE)])
    seen = note + cosign(note, "witness.example", OTHER, at=1_700_000_000)
    witness = key(OTHER, "witness.example", COSIGNATURE)
    assert open_note(seen, [witness]) == str(HEAD)
    with pytest.raises(BadNoteError):
        open_note(seen, [key(OTHER, "witness.example")])
    with pytest.raises(BadNoteError):
        open_note(seen.replace("\n5\n", "\n6\n"), [witness])


@pytest.mark.parametrize(
    "text", ["", "a+b+c", PETER.replace("c74f", "c74e"), PETER + "A", PETER.replace("Peter", "Pe ter")]
)
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(BadNoteError):
        parse_key(text)


def test_lines_of_witnesses_stand_once_each_and_no_more_than_a_reader_takes():
    note = sign_note(str(HEAD), [("example.com/log", ONE)])
    lines = [cosign(note, f"w{number}.example", OTHER, at=number) for number in range(MOST_SIGNATURES)]
    assert with_lines(note + lines[0], lines[:2]) == note + lines[0] + lines[1]
    full = with_lines(note, lines)
    assert full.count("\N{EM DASH}") == MOST_SIGNATURES
    assert open_note(full, [key(ONE)]) == open_note(full, [key(OTHER, "w3.example", COSIGNATURE)]) == str(HEAD)
    assert only_by(full, "example.com/log") == note
    last = last_cosignature(full)
    assert (last.name, last.at, last.line) == ("w62.example", 62, lines[62])
    with pytest.raises(BadNoteError):
        last_cosignature(note)
