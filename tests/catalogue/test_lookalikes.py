"""Names that could be taken for others."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.lookalikes import (
    LETTER_MISSING,
    MOST_CHARACTERS,
    OTHER_ORGANISATION,
    OTHER_REPOSITORY,
    SAME_LOOK,
    _is_slip,
    is_look_alike,
    skeleton,
    split,
)

# Few letters, so that near misses are common.
LETTERS = "abl1i0orn-v7\u0412\u0430\u044f\u0131\u00c9\uff0f"
names = st.builds("{}/{}".format, st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=8))


def distance(a, b):
    """Optimal string alignment, by the book."""
    rows = [[i + j if 0 in (i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@pytest.mark.parametrize(
    ("name", "known", "reason"),
    [
        ("EleuterAI/gpt-j-6B", "EleutherAI/gpt-j-6b", LETTER_MISSING),
        ("ElleutherAI/gpt-j-6B", "EleutherAI/gpt-j-6b", OTHER_ORGANISATION),
        ("EleutehrAI/gpt-j-6B", "EleutherAI/gpt-j-6b", OTHER_ORGANISATION),
        ("EleuthurAI/gptj_6b", "EleutherAI/gpt-j-6b", OTHER_ORGANISATION),
        ("deepseek1/DeepSeek-V3", "deepseek-ai/DeepSeek-V3", LETTER_MISSING),
        ("me7a-llama/Llama-2-7b", "meta-llama/Llama-2-7b", OTHER_ORGANISATION),
        ("meta-1lama/Llama-2-7b", "meta-llama/Llama-2-7b", SAME_LOOK),
        ("meta_llama/Llama.2.7b", "meta-llama/Llama-2-7b", SAME_LOOK),
        ("0penai/whisper-large", "openai/whisper-large", SAME_LOOK),
        ("rnistralai/Mistral-7B", "mistralai/Mistral-7B", SAME_LOOK),
        ("vvhisper/base", "whisper/base", SAME_LOOK),
        ("меtа-llаmа/Llama-2-7b", "meta-llama/Llama-2-7b", SAME_LOOK),  # noqa: RUF001 - the point
        ("οpenai/whisper-large", "openai/whisper-large", SAME_LOOK),  # noqa: RUF001 - the point
        ("ｏpenai/whisper-large", "openai/whisper-large", SAME_LOOK),  # noqa: RUF001 - the point
        ("openai\u200b/whisper-large", "openai/whisper-large", SAME_LOOK),
        ("ópenai/whisper-large", "openai/whisper-large", SAME_LOOK),
        ("meta-1lama/Llama-2-7bb", "meta-llama/Llama-2-7b", OTHER_REPOSITORY),
        ("meta-1lama/Llama-3-7b", "meta-llama/Llama-2-7b", OTHER_REPOSITORY),
        ("gpt-2", "gpt2", SAME_LOOK),
    ],
)
def test_what_could_be_taken_for_another(name, known, reason):
    assert is_look_alike(name, known) == reason


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Qwen/Qwen2-7B", "Qwen/Qwen2-72B"),
        ("mistralai/Mistral-7B-v0.1", "mistralai/Mistral-7B-v0.2"),
        ("acme/llama-7b", "acme/llama-8b"),
        ("acme/llama-v1", "acme/llama-vl"),
        ("acme/llama-7b-GGUF", "acme/llama-7b"),
        ("acme/llama-7b-4bit", "acme/llama-7b-8bit"),
        ("TheBloke/Llama-2-7B-GGUF", "meta-llama/Llama-2-7b"),
        ("unsloth/Llama-2-7b", "meta-llama/Llama-2-7b"),
        ("NousResearch/Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf"),
        ("student01/ppo-LunarLander-v2", "student02/ppo-LunarLander-v2"),
        ("acmd/bert-base", "acme/bert-base"),  # too short to be no coincidence
        ("meta-1lama/opt1", "meta-llama/opt2"),
        ("openai-community/gpt2", "gpt2"),
        ("EleuterAI/gpt-j-7b", "EleutherAI/gpt-j-6b"),  # two slips
        ("4384", "4385"),  # numbers are Civitai's names
    ],
)
def test_what_is_normal_on_hubs(name, known):
    assert is_look_alike(name, known) == ""
    assert is_look_alike(known, name) == ""


@given(names, names)
def test_takes_both_or_neither_for_the_other(name, known):
    assert bool(is_look_alike(name, known)) == bool(is_look_alike(known, name))


@given(st.text(max_size=40))
def test_never_takes_a_name_for_itself(name):
    assert is_look_alike(name, name) == ""
    assert is_look_alike(name.swapcase(), name) == "" or name.swapcase().lower() != name.lower()


@given(st.text(max_size=40))
def test_a_skeleton_is_its_own_and_fits_its_column(name):
    assert skeleton(skeleton(name)) == skeleton(name)
    assert len(skeleton(name * 20)) <= MOST_CHARACTERS


@given(names)
def test_a_skeleton_is_an_organisation_and_a_repository(name):
    organisation, repository = split(skeleton(name))
    assert f"{organisation}/{repository}" == skeleton(name)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_a_slip_is_a_distance_of_one_at_most(a, b):
    assert _is_slip(a, b) == (distance(a, b) <= 1)


@pytest.mark.parametrize("piece", ["a", "rn", "vv", "\ufdfa", "а-", "1"])  # noqa: RUF001 - the point
def test_long_names_take_no_time(piece):
    name = (piece * 300)[:300]
    started = process_time()
    for _ in range(100):
        is_look_alike(f"{name}/{name}a", f"{name}b/{name}")
    assert process_time() - started < 1
