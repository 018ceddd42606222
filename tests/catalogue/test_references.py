"""What people paste, and which model it names."""

import string
import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalogue.hub import Reference, UnreadableReferenceError, hubs
from catalogue.references import MOST_CHARACTERS, at_revision, file_digest, read

SHA = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "0123456789abcdef" * 4


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("huggingface", name, revision, file)


def ollama(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("ollama", name, revision, file)


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
        ("pkg:huggingface/acme/bert@V1.0", model("acme/bert", "V1.0")),
        ("https://huggingface.co/acme/bert/blob/main/a.bin", model("acme/bert", "main", "a.bin")),
        ("https://hf.co/acme/bert/resolve/refs%2Fpr%2F3/a.bin?download=1", model("acme/bert", "refs/pr/3", "a.bin")),
        ("https://www.huggingface.co/acme/bert/discussions/7", model("acme/bert")),
        ("gpt2", model("gpt2")),
        ("bert-base-uncased", model("bert-base-uncased")),
        ("https://huggingface.co/gpt2", model("gpt2")),
        ("https://huggingface.co/oldmodel/tree/main", model("oldmodel", "main")),
        ("hf://oldmodel", model("oldmodel")),
        ("ollama run llama3.2", ollama("library/llama3.2")),
        ("`ollama run llama3.2:1b`", ollama("library/llama3.2", "1b")),
        ("$ ollama  pull\tAcme/bert:q4_K_M\n", ollama("Acme/bert", "q4_K_M")),
        ('ollama run --verbose llama3.2:1b "Why is the sky blue?"', ollama("library/llama3.2", "1b")),
        (f"ollama show acme/bert@sha256:{DIGEST}", ollama("acme/bert", DIGEST)),
        ("ollama run registry.ollama.ai/library/bert:1b", ollama("library/bert", "1b")),
        ("ollama run https://ollama.com/library/bert", ollama("library/bert")),
        ("ollama pull hf.co/acme/bert-GGUF:Q4_K_M", model("acme/bert-GGUF")),
        ("ollama run huggingface.co/acme/bert-GGUF", model("acme/bert-GGUF")),
        ("https://ollama.com/library/bert:1b", ollama("library/bert", "1b")),
        ("registry.ollama.ai/library/bert:1b", ollama("library/bert", "1b")),
        (f"pkg:generic/ollama/library/bert@sha256:{DIGEST}#model.gguf", ollama("library/bert", DIGEST, "model.gguf")),
        ("pkg:generic/ollama/library/bert?repository_url=registry.ollama.ai", ollama("library/bert")),
        ("https://civitai.com/models/4384/made-up?modelVersionId=12", Reference("civitai", "4384", "12")),
        ("urn:air:sd1:checkpoint:civitai:4384@12", Reference("civitai", "4384", "12")),
        ("pkg:generic/civitai/4384#a.ckpt", Reference("civitai", "4384", "", "a.ckpt")),
    ],
)
def test_reads_what_names_a_model(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No model is named"),
        (" \t\n", "No model is named"),
        ("ChatGPT", "One word alone is not certain to be a model"),
        ("models", "One word alone"),
        ("llama3.2:1b", "One word alone"),
        (DIGEST, "the SHA-256 of a file"),
        (f" sha256:{DIGEST.upper()}.", "the SHA-256 of a file"),
        ("ollama run", "more than one word"),
        ("ollama list", "more than one word"),
        ("ollama run --keepalive 5m bert", "more than one word"),
        ("ollama run acme/be/rt/x", "not a model or a file of one"),
        ("ollama run -bert", "more than one word"),
        ("ollama run localhost:5000/acme/bert", "not the name of a model"),
        ("ollama run example.org/acme/bert", "not the name of a model"),
        ("hf://acme/bert@main/a/./b.bin", "not a path of a file"),
        ("hf://acme/bert@main/a/%20/b.bin", "not a path of a file"),
        ("the acme bert", "more than one word"),
        ("acme/bert finetuned", "more than one word"),
        ("n/a", "not the name of a model"),
        ("acme/bert/large", "not the name of a model"),
        ("models/llama", "not the name of a model"),
        ("example.org/bert", "not the name of a model"),
        ("acme/tree", "not one a model on Hugging Face can have"),
        ("hf://acme/models", "the page of a user or an organisation"),
        ("acme--x/bert", "not a name a model on Hugging Face can have"),
        ("äcme/bert", "not a name a model on Hugging Face can have"),
        ("acme/bert@a..b", "not a revision"),
        ("datasets/squad", "a dataset on Hugging Face, not a model"),
        ("https://example.org/acme/bert", "on no hub of models that is known here"),
        ("https://huggingface.co@example.org/acme/bert", "on no hub"),
        ("ftp://huggingface.co/acme/bert", "on no hub"),
        ("http://[::1", "cannot be read"),
        ("https://gitlab.com/acme/bert", "cannot be looked up yet: GitLab"),
        ("gitee.com/acme/bert", "cannot be looked up yet: Gitee"),
        ("https://api.replicate.com/acme/bert", "cannot be looked up yet: Replicate"),
        ("https://civitai.com/user/acme", "a page of Civitai"),
        ("https://ollama.com/acme", "the page of a user on Ollama"),
        ("pkg:", "not a package URL"),
        ("pkg:huggingface", "not a package URL"),
        ("pkg:huggingface/gpt2", "lacks the part before the name"),
        ("pkg:huggingface/acme/bert/large", "not a model"),
        ("pkg:huggingface/acme/bert%2Ftree%2Fmain", "not one a model on Hugging Face can have"),
        ("pkg:huggingface/datasets/squad", "a dataset"),
        ("pkg:huggingface/acme/bert?repository_url=https://hub-ci.huggingface.co", "another server"),
        ("pkg:generic/nowhere/acme/bert", "cannot be looked up yet by this kind of package URL: nowhere"),
        ("pkg:generic/%07/acme/bert", "cannot be looked up yet by this kind of package URL: generic"),
        ("pkg:generic/civitai/acme", "has a number"),
        ("pkg:generic/ollama/library/bert@a%2Fb", "not a tag"),
        ("pkg:generic/ollama/library/bert?repository_url=https://hf.co", "another server than Ollama's own"),
        ("pkg:huggingface/acme/bert?repository_url=http://[", "another server"),
        ("pkg:huggingface/acme/bert#a/../b", "not that of a file"),
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


@pytest.mark.parametrize("slug", sorted(hubs()))
def test_no_host_of_a_hub_is_called_one_without_lookup(slug):
    hub = hubs()[slug]
    assert read(hub.url(Reference(slug, hub.example))) == Reference(slug, hub.example)


def test_a_digest_names_a_file():
    assert file_digest(DIGEST) == DIGEST
    assert file_digest(f" SHA256:{DIGEST.upper()}\n") == DIGEST
    for other in ("", DIGEST[1:], DIGEST + "0", f"sha512:{DIGEST}", f"{DIGEST} x", "g" * 64):
        assert file_digest(other) is None


def test_a_model_can_be_named_at_another_revision():
    assert at_revision(model("acme/bert", "main", "a.bin"), SHA.upper()) == model("acme/bert", SHA, "a.bin")
    assert at_revision(ollama("library/bert"), "1b") == ollama("library/bert", "1b")
    for revision in ("a..b", "\ud800", "a\x00b"):
        with pytest.raises(UnreadableReferenceError):
            at_revision(model("acme/bert"), revision)


PIECES = st.sampled_from(
    [
        *("ollama run ", "ollama.com", "registry.ollama.ai", "v2", "manifests", "blobs", "library", "sha256:", DIGEST),
        *("civitai.com", "models", "4384", "?modelVersionId=", "urn:air:sd1:lora:civitai:", "civitai", "ollama"),
        *("github.com", "kaggle.com", "modelscope.cn", "pkg:generic/", "pkg:huggingface/", "pkg:github/", "gpt2", " "),
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


HOSTS = ["huggingface.co", "github.com", "modelscope.cn", "kaggle.com", "civitai.com", "ollama.com"]
WORD = st.text(string.ascii_letters + string.digits + "._-~ %:", min_size=1, max_size=12)
ADDRESSES = st.builds(
    lambda host, parts: f"https://{host}/{'/'.join(parts)}",
    st.sampled_from(HOSTS),
    st.lists(WORD | st.sampled_from(["models", "tree", "blob", "main", "library", "12", SHA, DIGEST]), max_size=7),
)
IMMUTABLE = {"huggingface": SHA, "github": SHA, "modelscope": SHA, "kaggle": "3", "ollama": DIGEST, "civitai": ""}


@given(st.lists(PIECES, max_size=10).map("".join) | ADDRESSES, st.booleans())
@example("https://huggingface.co/acme/bert/blob/main/a b/c#d?e%2525.bin", True)
@example("hf://a/b@main/ a", True)
@example("ollama run a/b:1", True)
@example("generic/tree", False)
def test_a_package_url_names_what_was_read(text, pinned):
    try:
        reference = read(text)
    except UnreadableReferenceError:
        return
    hub = hubs()[reference.hub]
    if pinned or not hub.is_immutable(reference.revision):
        reference = replace(reference, revision=IMMUTABLE.get(reference.hub, ""))
    purl = hub.purl(reference)
    if purl:
        again = read(purl)
        # The type github has its names in lower case.
        assert replace(again, name=again.name.lower()) == replace(reference, name=reference.name.lower())


@pytest.mark.parametrize(
    "piece", ["a", "/", "a/", "@", " ", "hf://", "%2F", "pkg:", "a.", "é", "-", ":", "--insecure "]
)
@pytest.mark.parametrize(
    "prefix",
    [
        *("", "https://huggingface.co/", "pkg:huggingface/", "hf://a/b@", "ollama run ", "ollama://a:", "urn:air:a:"),
        *(f"https://{host}/" for host in HOSTS),
    ],
)
def test_long_text_is_answered_at_once(prefix, piece):
    started = time.process_time()
    for length in (MOST_CHARACTERS, 50_000):
        text = (prefix + piece * length)[:length]
        only_ever_reads_or_refuses(text)
    assert time.process_time() - started < 1
