"""What people paste, and which model it names."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalogue.hub import Reference, UnreadableReferenceError
from catalogue.references import MOST_CHARACTERS, read

SHA = "0123456789abcdef0123456789abcdef01234567"


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("huggingface", name, revision, file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/bert", model("acme/bert")),
        ("  acme/bert\n", model("acme/bert")),
        ("<acme/bert>, ", model("acme/bert")),
        ("`acme/bert-1.5_B`.", model("acme/bert-1.5_B")),
        ("acme/bert@v1.0", model("acme/bert", "v1.0")),
        (f"acme/bert@{SHA.upper()}", model("acme/bert", SHA)),
        ("acme/bert@refs/pr/3", model("acme/bert", "refs/pr/3")),
        ("https://huggingface.co/acme/bert", model("acme/bert")),
        ("huggingface.co/acme/bert", model("acme/bert")),
        ("hf://acme/bert@main/a/b.bin", model("acme/bert", "main", "a/b.bin")),
        ("pkg:huggingface/acme/bert", model("acme/bert")),
        (f"pkg:huggingface/acme/bert@{SHA.upper()}", model("acme/bert", SHA)),
        ("PKG:HuggingFace/acme/bert@main", model("acme/bert", "main")),
        (f"pkg:huggingface/acme/bert@{SHA}#onnx/model.onnx", model("acme/bert", SHA, "onnx/model.onnx")),
        ("pkg:huggingface/acme/bert@feature%2Fone", model("acme/bert", "feature/one")),
        ("pkg:huggingface/acme/bert?repository_url=https://huggingface.co", model("acme/bert")),
        (f"pkg:generic/huggingface/acme/bert@{SHA}", model("acme/bert", SHA)),
    ],
)
def test_reads_what_names_a_model(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No model is named"),
        (" \t\n", "No model is named"),
        ("gpt2", "One word alone is not certain to be a model"),
        ("ChatGPT", "One word alone"),
        ("the acme bert", "more than one word"),
        ("acme/bert finetuned", "more than one word"),
        ("n/a", "not the name of a model"),
        ("acme/bert/large", "not the name of a model"),
        ("models/llama", "not the name of a model"),
        ("example.org/bert", "not the name of a model"),
        ("acme--x/bert", "not a name a model on Hugging Face can have"),
        ("äcme/bert", "not a name a model on Hugging Face can have"),
        ("acme/bert@a..b", "not a revision"),
        ("datasets/squad", "a dataset on Hugging Face, not a model"),
        ("https://example.org/acme/bert", "on no hub of models that is known here"),
        ("https://huggingface.co@example.org/acme/bert", "on no hub"),
        ("ftp://huggingface.co/acme/bert", "on no hub"),
        ("http://[::1", "cannot be read"),
        ("https://github.com/acme/bert", "cannot be looked up yet: GitHub"),
        ("github.com/acme/bert", "cannot be looked up yet: GitHub"),
        ("https://www.kaggle.com/models/acme/bert", "cannot be looked up yet: Kaggle"),
        ("https://www.modelscope.cn/models/acme/bert", "cannot be looked up yet: ModelScope"),
        ("https://civitai.com/models/1", "cannot be looked up yet: Civitai"),
        ("https://ollama.com/library/bert", "cannot be looked up yet: Ollama"),
        ("pkg:", "not a package URL"),
        ("pkg:huggingface", "not a package URL"),
        ("pkg:huggingface/gpt2", "lacks the part before the name"),
        ("pkg:huggingface/acme/bert/large", "not a model"),
        ("pkg:huggingface/acme/bert%2Ftree%2Fmain", "not one a model on Hugging Face can have"),
        ("pkg:huggingface/datasets/squad", "a dataset"),
        ("pkg:huggingface/acme/bert?repository_url=https://hub-ci.huggingface.co", "another server"),
        ("pkg:generic/modelscope/acme/bert@master", "cannot be looked up yet"),
        ("pkg:pypi/django/django@5.2", "cannot be looked up yet"),
        ("a/" + "b" * MOST_CHARACTERS, "too long"),
    ],
)
def test_says_why_other_text_names_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        read(text)


@pytest.mark.parametrize("name", ["https://user:s3cret@example.org/a/b", "https://user:s3cret@huggingface.co/a/b/c/d"])
def test_repeats_no_password_that_was_pasted_along(name):
    with pytest.raises(UnreadableReferenceError) as refusal:
        read(name)
    assert "s3cret" not in str(refusal.value)


PIECES = st.sampled_from(
    [
        *("https://", "http:", "hf://", "//", "pkg:", "huggingface", "generic/", "huggingface.co", "hf.co", "www."),
        *("/", "@", "#", "?", "%", "%2F", "%00", "%zz", ":", "[", "]", "..", ".", "-", "refs", "pr", "tree", "blob"),
        *(
            "acme",
            "bert",
            SHA,
            "datasets",
            "models",
            "api",
            "\ud800",
            "\x00",
            "\u202e",
            "\u0130",
            "\uff0e",
            "repository_url=",
        ),
    ]
)


def only_ever_reads_or_refuses(text: str) -> None:
    try:
        reference = read(text)
    except UnreadableReferenceError:
        return
    assert reference.hub
    assert reference.name.isascii()
    assert reference.name.isprintable()
    assert reference.revision.isprintable()
    assert reference.file.isprintable()


@given(st.text())
@example("//[")
@example("hf://")
@example("hf.co:999999/a/b")
@example("pkg:huggingface/a/b?x")
@example("pkg:generic/huggingface")
def test_any_text_is_read_or_refused(text):
    only_ever_reads_or_refuses(text)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_text_that_looks_like_an_address_is_read_or_refused(text):
    only_ever_reads_or_refuses(text)


@pytest.mark.parametrize("piece", ["a", "/", "a/", "@", " ", "hf://", "%2F", "pkg:", "a.", "é", "-"])
@pytest.mark.parametrize("prefix", ["", "https://huggingface.co/", "pkg:huggingface/", "hf://a/b@"])
def test_long_text_is_answered_at_once(prefix, piece):
    started = time.perf_counter()
    for length in (MOST_CHARACTERS, 50_000):
        text = (prefix + piece * length)[:length]
        only_ever_reads_or_refuses(text)
    assert time.perf_counter() - started < 0.5
