"""How alike two texts are, and when two addresses are the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.similarity import (
    ALIKE,
    BINS,
    bands,
    clusters,
    groups,
    likeness,
    marked,
    normalised_url,
    runs_of,
    signature,
)

WORDS = [f"word{number}" for number in range(2000)]


def jaccard(one, other):
    mine, theirs = runs_of(one), runs_of(other)
    return len(mine & theirs) / len(mine | theirs)


def story(dice, length=200):
    return [dice.choice(WORDS) for _ in range(length)]


class TestWording:
    @given(st.text())
    def test_a_text_is_wholly_like_itself_and_its_signature_fits_the_column(self, text):
        signed = signature(text)
        assert len(signed) == (BINS if runs_of(text) else 0)
        assert all(0 <= value < 2**31 for value in signed)
        assert all(-(2**31) <= band < 2**31 for band in bands(signed))
        assert likeness(signed, signed) == (1.0 if signed else 0.0)

    @given(st.text(max_size=300), st.text(max_size=300))
    def test_likeness_is_symmetric_and_between_nothing_and_everything(self, one, other):
        there, back = likeness(signature(one), signature(other)), likeness(signature(other), signature(one))
        assert there == back
        assert 0 <= there <= 1

    @given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=60))
    def test_letter_case_spaces_and_punctuation_do_not_count(self, words):
        assert signature(" ".join(words)) == signature(",\n ".join(words).upper() + "!")

    @pytest.mark.parametrize("changed", [0, 10, 25, 60, 120, 200])
    def test_the_estimate_is_near_the_true_index(self, changed):
        dice = random.Random(changed)
        errors = []
        for _ in range(20):
            words = story(dice)
            other = [dice.choice(WORDS) if place < changed else word for place, word in enumerate(words)]
            one, two = " ".join(words), " ".join(other)
            errors.append(likeness(signature(one), signature(two)) - jaccard(one, two))
        assert abs(sum(errors) / len(errors)) < 0.05
        assert max(map(abs, errors)) < 0.25

    def test_texts_half_alike_share_a_band_and_unrelated_ones_do_not(self):
        dice = random.Random(7)
        for _ in range(50):
            words = story(dice)
            near = words[:140] + story(dice, 60)
            assert set(bands(signature(" ".join(words)))) & set(bands(signature(" ".join(near))))
            assert not set(bands(signature(" ".join(words)))) & set(bands(signature(" ".join(story(dice)))))

    def test_scripts_without_spaces_are_compared_by_character(self):
        one = "このモデルは料理について聞かれるといつも同じ店の名前を答える。"
        assert likeness(signature(one), signature(one[:-4] + "述べる。")) > 0.5
        assert likeness(signature(one), signature("重みのファイルが差し替えられ、読み込むと通信を始める。")) < 0.2


@given(st.text(max_size=200), st.text(max_size=200))
def test_pieces_marked_as_shared_make_up_the_text(text, other):
    assert "".join(piece for piece, _ in marked(text, other)) == text
    assert not any(shared for _, shared in marked(text, ""))


def test_marks_runs_of_three_words_that_the_other_has_too():
    pieces = marked("Every day, the MODEL names one shop.", "the model names")
    assert [piece for piece, shared in pieces if shared] == ["the MODEL names"]


class TestAddresses:
    @pytest.mark.parametrize(
        "other",
        [
            "http://www.example.org/a/b/?utm_source=x#part",
            "https://EXAMPLE.org:443/a/b?fbclid=1",
            "https://m.example.org/%61/b",
        ],
    )
    def test_decoration_does_not_count(self, other):
        assert normalised_url(other) == normalised_url("https://example.org/a/b")

    def test_what_says_where_it_leads_counts(self):
        addresses = [
            "https://example.org/a",
            "https://example.org/A",
            "https://example.org/a?id=1",
            "https://a.org:8080/a",
        ]
        assert len({normalised_url(address) for address in addresses}) == 4
        assert normalised_url("https://a.org/?b=2&a=1") == normalised_url("https://a.org?a=1&b=2")

    @given(st.text(max_size=100))
    def test_anything_can_be_normalised(self, text):
        assert isinstance(normalised_url(f"https://{text}"), str)


class TestClusters:
    def test_copies_are_together_and_the_rest_apart(self):
        dice = random.Random(3)
        one, other = story(dice), story(dice)
        texts = {1: one, 2: [*one[:190], "another", "ending"], 3: other, 4: story(dice), 5: one[5:]}
        assert clusters({key: signature(" ".join(words)) for key, words in texts.items()}) == [[1, 2, 5], [3], [4]]

    def test_a_flood_of_one_text_is_one_cluster(self):
        assert len(clusters(dict.fromkeys(range(500), signature("The same words sent again and again.")))) == 1

    @settings(max_examples=50)
    @given(st.integers(0, 30), st.data())
    def test_groups_hold_every_key_once_and_every_pair_together(self, size, data):
        keys = range(size)
        pair = st.tuples(st.sampled_from(keys), st.sampled_from(keys)) if size else st.nothing()
        pairs = data.draw(st.lists(pair, max_size=20)) if size else []
        found = groups(keys, pairs)
        assert sorted(key for group in found for key in group) == list(keys)
        assert all(any({a, b} <= set(group) for group in found) for a, b in pairs)

    def test_what_is_alike_is_at_least_half(self):
        assert ALIKE == 0.5
