"""Package URLs: the specification's own tests of the type huggingface, and what is read more strictly."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.hub import Reference, UnreadableReferenceError, hubs
from catalogue.purls import Purl, UnreadablePurlError, build, generic, parse
from catalogue.references import read

OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "purl" / "huggingface-test.json"
SHA = "0123456789abcdef0123456789abcdef01234567"

# All 18 hold for parse and build. To the resolver those with this part cannot apply: they name a model on the Hub's
# staging server, which is another server with other models, and no hub here asks it. It refuses them and says so.
NOT_FOR_THE_RESOLVER = "repository_url"
PLACES = {
    "parse": lambda case: case["input"],
    "validate": lambda case: case["input"],
    "build": lambda case: case["expected_output"],
}


def official_cases() -> list:
    if not OFFICIAL.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{OFFICIAL} is not here"))]
    return [
        pytest.param(case, id=f"{number}-{case['test_type']}")
        for number, case in enumerate(json.loads(OFFICIAL.read_text())["tests"])
    ]


def parts(purl: Purl) -> dict:
    return {key: value or None for key, value in vars(purl).items()}


@pytest.mark.parametrize("case", official_cases())
def test_holds_the_specifications_own_tests(case):
    assert not case["expected_failure"], "a new kind of official test: read it first"
    given_input, expected = case["input"], case["expected_output"]
    if case["test_type"] == "parse":
        assert parts(parse(given_input)) == expected
    elif case["test_type"] == "validate":
        assert build(parse(given_input)) == expected
    else:
        assert build(Purl(**{key: value for key, value in given_input.items() if value is not None})) == expected


@pytest.mark.parametrize("case", official_cases())
def test_the_resolver_reads_the_official_ones_that_name_a_model_on_a_hub_it_knows(case):
    text = PLACES[case["test_type"]](case)
    if NOT_FOR_THE_RESOLVER in text:
        with pytest.raises(UnreadableReferenceError, match="another server"):
            read(text)
    else:
        reference = read(text)
        assert text.lower() == f"pkg:huggingface/{reference.name}@{reference.revision}".lower()
        assert reference.revision.islower()


def test_there_are_as_many_official_tests_as_were_read():
    if not OFFICIAL.exists():
        pytest.skip(f"{OFFICIAL} is not here")
    cases = json.loads(OFFICIAL.read_text())["tests"]
    assert len(cases) == 18
    assert sum(NOT_FOR_THE_RESOLVER in json.dumps(case) for case in cases) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:huggingface/a/b", Purl("huggingface", "a", "b")),
        ("PKG://HuggingFace/A/B", Purl("huggingface", "A", "B")),
        ("pkg:generic///x//y/", Purl("generic", "x", "y")),
        (f"pkg:huggingface/a/b@{SHA.upper()}", Purl("huggingface", "a", "b", SHA)),
        ("pkg:huggingface/a/b@Main", Purl("huggingface", "a", "b", "Main")),
        ("pkg:huggingface/a/b@feature%2FOne", Purl("huggingface", "a", "b", "feature/One")),
        ("pkg:github/Acme/Bert", Purl("github", "acme", "bert")),
        ("pkg:generic/ollama/library/b@sha256:ab", Purl("generic", "ollama/library", "b", "sha256:ab")),
        ("pkg:generic/a/b?B=1&a=x%26y", Purl("generic", "a", "b", "", {"a": "x&y", "b": "1"})),
        ("pkg:huggingface/a/b#//x//y%20z/", Purl("huggingface", "a", "b", "", {}, "x/y z")),
        ("pkg:huggingface/a/b%2Fc", Purl("huggingface", "a", "b/c")),
    ],
)
def test_reads_the_parts(text, expected):
    assert parse(text) == expected
    assert parse(build(expected)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a package URL"),
        ("pkg:", "not a package URL"),
        ("pkg:huggingface", "not a package URL"),
        ("pkg:huggingface/", "not a package URL"),
        ("pkg:hugging_face/a/b", "not a package URL"),
        ("pkg:3d/a/b", "not a package URL"),
        ("pkg%3Ahuggingface/a/b", "not a package URL"),
        ("pkg:huggingface/a b/c", "not a package URL"),
        ("pkg:huggingface/\u00e4/b", "not a package URL"),
        ("pkg:huggingface/a/b\n", "not a package URL"),
        ("pkg:huggingface/a/b@%ff", "not a package URL"),
        ("pkg:huggingface/a/b?x", "not a package URL"),
        ("pkg:huggingface/a/b?in%20production=true", "not a package URL"),
        ("pkg:huggingface/a/b@100%", "encodes nothing"),
        ("pkg:huggingface/b", "lacks the part before the name"),
        ("pkg:huggingface/a/b/c", "more than an organisation and a name"),
        ("pkg:huggingface/a%2Fb/c", "encoded slash"),
        ("pkg:huggingface/a/b#x%2fy", "encoded slash"),
        ("pkg:huggingface/a/b#../y", "not that of a file"),
        ("pkg:huggingface/a/b#x/%2E%2E/y", "not that of a file"),
        ("pkg:generic/a/b?a=1&A=2", "same qualifier twice"),
    ],
)
def test_says_why_other_text_is_none(text, reason):
    with pytest.raises(UnreadablePurlError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        (Purl("huggingface", "a", "b", SHA.upper()), f"pkg:huggingface/a/b@{SHA}"),
        (Purl("generic", "a", "b/c", "1:2+3"), "pkg:generic/a/b%2Fc@1:2%2B3"),
        (Purl("generic", "", "b", "", {"z": "", "y": "1", "x": "/"}), "pkg:generic/b?x=%2F&y=1"),
        (Purl("generic", "a", "~\u00e4", "", {}, "x y/z@"), "pkg:generic/a/~%C3%A4#x%20y/z%40"),
    ],
)
def test_writes_the_canonical_form(purl, expected):
    assert build(purl) == expected


@pytest.mark.parametrize(
    "purl",
    [
        Purl("", "a", "b"),
        Purl("n&g", "a", "b"),
        Purl("generic", "a", ""),
        Purl("huggingface", "", "b"),
        Purl("generic", "a", "b", "", {"in production": "true"}),
        Purl("generic", "a", "b", "", {}, "../x"),
    ],
)
def test_writes_none_that_could_not_be_read(purl):
    with pytest.raises(UnreadablePurlError):
        build(purl)


def test_hubs_without_a_type_have_a_form_of_ours():
    assert generic("kaggle", "a/b/c", "3", "x.bin") == "pkg:generic/kaggle/a/b/c@3#x.bin"
    assert generic("civitai", "12") == "pkg:generic/civitai/12"
    assert generic("civitai", "") == ""


PRINTABLE = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1).map(str.strip).filter(bool)
PATHS = st.lists(PRINTABLE.filter(lambda part: part not in {".", ".."}), max_size=3).map("/".join)


@given(namespace=PATHS, name=PRINTABLE, version=PRINTABLE | st.just(""), value=PRINTABLE, subpath=PATHS)
def test_what_is_written_reads_back(namespace, name, version, value, subpath):
    purl = Purl("generic", namespace, name, version, {"key": value}, subpath)
    assert parse(build(purl)) == purl


@given(st.text() | st.text("pkg:/@?#%=&.aA0[").map("pkg:huggingface/a".__add__))
def test_any_text_is_read_or_refused_and_then_stays_as_it_is(text):
    try:
        purl = parse(text)
    except UnreadablePurlError:
        return
    assert parse(build(purl)) == purl


@pytest.mark.parametrize("piece", ["a", "/", "%", "%2F", "@", "?", "?a=b&", "&", "#", ":", ".", "["])
def test_long_text_takes_no_long_time(piece):
    started = time.process_time()
    for length in (1_000, 100_000):
        try:
            parse(("pkg:huggingface/a" + piece * length)[:length])
        except UnreadablePurlError:
            continue
    assert time.process_time() - started < 1


PLAIN = st.text("abcABC019_.-", min_size=1, max_size=8)


@given(PLAIN, PLAIN, st.none() | PLAIN)
def test_the_short_way_through_plain_ones_reads_them_as_the_long_one_does(namespace, name, version):
    rest = f"huggingface/{namespace}/{name}" + (f"@{version}" if version else "")
    assert read_or_refused(f"pkg:{rest}") == read_or_refused(f"pkg:/{rest}")


def read_or_refused(text):
    try:
        return parse(text)
    except UnreadablePurlError as error:
        return str(error)


ODD = st.text("aZ09_.-~é模%@:?#+& ", min_size=1, max_size=9)


@given(ODD, ODD, st.sampled_from(["", "a/b c.bin", "é%.gguf"]))
def test_what_a_hub_writes_of_its_own_names_is_what_the_specification_has(namespace, name, file):
    commit = "ab" * 20
    written = hubs()["huggingface"].purl(Reference("huggingface", f"{namespace}/{name}", commit, file))
    assert written == build(Purl("huggingface", namespace, name, commit, subpath=file))
