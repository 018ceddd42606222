"""Taking personal data out of texts: what is suggested, and that nothing of it is left."""

import re
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lib.text import clean_text
from reports.redaction import Passage, UnfitPassageError, for_readers, holds, masked, passage, redacted
from reports.suggestions import Category, is_iban, suggest

CATEGORIES = st.sampled_from([category.value for category in Category])
# Texts in which passages occur often, with what marks are made of among them.
ALPHABET = st.sampled_from(
    [*"ab1 ]:[\n", "é", "e\u0301", "ß", "İ", "\u200b", "red", "acted", "[redacted: name 1]", "Ana"]
)
TEXTS = st.lists(ALPHABET, max_size=40).map("".join)
ANY = st.one_of(TEXTS, st.text(max_size=60))

# In two pieces: no key, and nothing that a scanner of sources takes for one.
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE+/=\n-----END RSA PRIVATE " + "KEY-----"


def found(text, **given_by):
    return [(one.category.value, one.text) for one in suggest(text, **given_by)]


class TestSuggestions:
    @pytest.mark.parametrize(
        ("text", "category", "passage"),
        [
            ("Write to ana.b+x@mail.example.org.", "email", "ana.b+x@mail.example.org"),
            ("Call +49 30 901820 today", "phone", "+49 30 901820"),
            ("Call (030) 12345-678 today", "phone", "(030) 12345-678"),
            ("Call (555) 123-4567 today", "phone", "(555) 123-4567"),
            ("Pay to DE89 3704 0044 0532 0130 00, please", "address", "DE89 3704 0044 0532 0130 00"),
            ("from 8.8.8.8 at night", "address", "8.8.8.8"),
            ("from 2001:4860:4860::8888 at night", "address", "2001:4860:4860::8888"),
            ("token hf_" + "aB3" * 12, "key", "hf_" + "aB3" * 12),
            ("token sk-proj-" + "aB3_" * 8, "key", "sk-proj-" + "aB3_" * 8),
            ("AKIAIOSFODNN7EXAMPLE leaked", "key", "AKIAIOSFODNN7EXAMPLE"),
            (f"see {PEM} there", "key", PEM),
            ("My name is Ana Álvarez and I", "name", "Ana Álvarez"),
            ("my 12-year-old daughter Mia saw it", "minor", "my 12-year-old daughter Mia"),
        ],
    )
    def test_finds(self, text, category, passage):
        assert found(text) == [(category, passage)]

    @pytest.mark.parametrize(
        "text",
        [
            "It happened on 2026-03-14, 01.02.2026 and 03/04/2026 at 12:30:45 in 1,234,567 of 10 000 000 answers.",
            "accuracy 0.91 0.92 0.93, loss 0.001 0.002; arXiv 2401.12345v2; CVE-2024-12345; ISBN 978-3-16-148410-0",
            "org/model@" + "0123456789abcdef" * 2 + " sha256 " + "0123456789" * 6,
            "127.0.0.1 and 10.0.0.1 and 192.168.1.1 and ::1 and 999.1.1.1",
            "@handle on a forum, decorator @functools.cache",
        ],
    )
    def test_leaves_what_is_nobodys(self, text):
        assert found(text) == []

    def test_finds_what_the_reporter_is_called_and_reached_by(self):
        text = "As ANA ALVAREZ I wrote it; ana knows, Ana's friend too, but banana does not. Signal: ana.77"
        contacts = ["Ana Alvarez, Signal: ana.77"]
        assert ("name", "ANA ALVAREZ") in found(text, contacts=contacts)
        assert ("name", "Ana") in found(text, contacts=contacts)
        assert "banana" in masked(text, contacts)
        assert found("The word analysis and Alvareza", contacts=contacts) == []

    def test_each_passage_once_in_the_order_of_the_text(self):
        text = "b@example.org, +49 30 901820, a@example.org, b@example.org"
        assert [passage for _, passage in found(text)] == ["b@example.org", "+49 30 901820", "a@example.org"]

    @pytest.mark.parametrize(
        "piece",
        [
            *("0" * 35 + "x ", "+1" * 20, "a@", "a.", "1.1.1.", "::", "AA00 AAAA ", "-----BEGIN PRIVATE KEY-----"),
            *("My name is A", "Aa ", "sk-" + "a" * 19 + " ", "eyJ" + "a" * 10 + ".", "(0) ", "1-year-old boy "),
        ],
    )
    def test_no_text_takes_long(self, piece):
        text = (piece * 50_000)[:50_000]
        started = time.process_time()
        masked(text, ["Ana Alvarez"])
        assert time.process_time() - started < 2

    def test_no_number_of_suggestions_takes_long(self):
        text = " ".join(f"a{number}@example.org" for number in range(3000))
        started = time.process_time()
        assert masked(text) == " ".join(["[redacted: email]"] * 3000)
        assert time.process_time() - started < 2

    @given(st.text())
    def test_every_suggestion_stands_in_the_text(self, text):
        assert all(one.text in text for one in suggest(text))

    @given(st.integers(0, 10**18), st.integers(0, 17))
    def test_a_wrong_digit_breaks_the_checksum_of_an_iban(self, account, place):
        digits = f"{account:018d}"
        check = 98 - int(digits + "131400") % 97
        iban = f"DE{check:02d}{digits}"
        assert is_iban(iban)
        wrong = str((int(digits[place]) + 1) % 10)
        assert not is_iban(f"DE{check:02d}{digits[:place]}{wrong}{digits[place + 1 :]}")

    def test_what_only_looks_like_an_iban_is_none(self):
        assert ("address", "DE00 3704 0044 0532 0130 00") not in found("DE00 3704 0044 0532 0130 00")


def gone(taken, text):
    """Whether nothing of the passage is in the text; a name may be part of a longer word."""
    if taken.category == "name":
        return not re.search(rf"(?<!\w){re.escape(taken.text)}(?!\w)", text)
    return taken.text not in text


class TestRedaction:
    @given(ANY, ANY, CATEGORIES, st.integers(1, 500))
    @example("[x]a]aa", "]aa", "name", 1)
    @example("name name", "name", "email", 1)
    def test_nothing_of_the_passage_is_left(self, text, chosen, category, number):
        try:
            taken = passage(number, category, chosen)
        except UnfitPassageError:
            assume(False)
        out = redacted(text, [taken])
        assert not holds(out, taken)
        for shown in (out, for_readers(out), clean_text(out)):
            assert gone(taken, re.sub(r"\[redacted: [a-z]+( \d+)?\]", "\ufffc", shown))
        if "[redacted: " not in clean_text(text):
            assert gone(taken, out)
            assert gone(taken, for_readers(out))

    @given(ANY, st.lists(st.tuples(CATEGORIES, ANY), max_size=4))
    def test_redacting_again_changes_nothing(self, text, chosen):
        taken = []
        for number, (category, one) in enumerate(chosen, start=1):
            try:
                taken.append(passage(number, category, one))
            except UnfitPassageError:
                continue
        once = redacted(text, taken)
        assert redacted(once, taken) == once
        assert not any(holds(once, one) for one in taken)

    def test_invisible_characters_forms_and_wide_spaces_hide_nothing(self):
        taken = [passage(1, "email", "ana@example.org"), passage(2, "name", "José Lang")]
        text = "ana\u200b@example.org, ANA@Example.org, Jose\u0301\n  Lang"
        assert redacted(text, taken) == "[redacted: email 1], [redacted: email 1], [redacted: name 2]"

    def test_a_name_is_whole_words_also_where_no_spaces_are_written(self):
        taken = [passage(1, "name", "Ana"), passage(2, "name", "田中")]
        assert (
            redacted("Ana ate a banana; 私は田中です", taken)
            == "[redacted: name 1] ate a banana; 私は[redacted: name 2]です"
        )

    def test_the_longer_passage_goes_first(self):
        taken = [Passage(1, "name", "Ana"), Passage(2, "email", "ana@example.org")]
        assert redacted("Ana: ana@example.org", taken) == "[redacted: name 1]: [redacted: email 2]"

    def test_readers_see_no_numbers(self):
        assert for_readers("by [redacted: email 3] and [3]") == "by [redacted: email] and [3]"

    @pytest.mark.parametrize("text", ["", " ", "a", "]", "1]a", "a[", "name", "redacted", "17", "[redacted: name 1]"])
    def test_refuses_what_would_come_back_with_its_mark(self, text):
        with pytest.raises(UnfitPassageError):
            passage(1, "email", text)

    @given(st.text(max_size=100))
    def test_masking_leaves_nothing_to_suggest_twice(self, text):
        seen = masked(f"{text} ana@example.org", ["Ana Alvarez"])
        assert "ana@example.org" not in seen
