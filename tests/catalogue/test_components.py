"""Components of bills of materials, and the models they are."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.components import Exactness, Identity, references_of
from catalogue.hub import Reference

SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
DIGEST = "0123456789abcdef" * 4


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("huggingface", name, revision, file)


def cyclonedx(**fields: object) -> dict:
    return {"type": "machine-learning-model", "bom-ref": "m-1", "name": "bert"} | fields


def spdx2(**fields: object) -> dict:
    return {"SPDXID": "SPDXRef-m", "name": "bert", "downloadLocation": "NOASSERTION", "filesAnalyzed": False} | fields


def spdx3(**fields: object) -> dict:
    return {"type": "ai_AIPackage", "spdxId": "https://example.org/m", "name": "bert"} | fields


def purl_ref(locator: str) -> dict:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        (cyclonedx(purl=f"pkg:huggingface/acme/bert@{SHA}"), (Exactness.REVISION, "purl", model("acme/bert", SHA))),
        (
            cyclonedx(purl="pkg:huggingface/acme/bert", version=SHA.upper()),
            (Exactness.REVISION, "purl and version", model("acme/bert", SHA)),
        ),
        (cyclonedx(purl="pkg:huggingface/acme/bert@main"), (Exactness.MOVING, "purl", model("acme/bert", "main"))),
        (cyclonedx(purl="pkg:huggingface/acme/bert", version="1.0"), (Exactness.MODEL, "purl", model("acme/bert"))),
        (
            cyclonedx(externalReferences=[{"type": "website", "url": "https://huggingface.co/acme/bert"}]),
            (Exactness.MODEL, "externalReferences (website)", model("acme/bert")),
        ),
        (
            cyclonedx(externalReferences=[{"type": "vcs", "url": f"git+https://huggingface.co/acme/bert@{SHA}#x"}]),
            (Exactness.REVISION, "externalReferences (vcs)", model("acme/bert", SHA)),
        ),
        (cyclonedx(group="acme"), (Exactness.NAME, "group and name", model("acme/bert"))),
        (cyclonedx(name="acme/bert", version=SHA), (Exactness.NAME, "name and version", model("acme/bert", SHA))),
        (
            {"type": "library", "purl": "pkg:generic/ollama/library/bert"},
            (Exactness.MODEL, "purl", Reference("ollama", "library/bert")),
        ),
        (
            spdx2(externalRefs=[purl_ref("pkg:huggingface/acme/bert")], versionInfo=SHA),
            (Exactness.REVISION, "externalRefs and version", model("acme/bert", SHA)),
        ),
        (
            spdx2(downloadLocation=f"git+https://huggingface.co/acme/bert@{SHA}"),
            (Exactness.REVISION, "downloadLocation", model("acme/bert", SHA)),
        ),
        (
            spdx2(downloadLocation="https://huggingface.co/acme/bert/resolve/main/a.bin"),
            (Exactness.MOVING, "downloadLocation", model("acme/bert", "main", "a.bin")),
        ),
        (spdx2(homepage="https://civitai.com/models/12"), (Exactness.MODEL, "homepage", Reference("civitai", "12"))),
        (
            spdx3(software_packageUrl=f"pkg:huggingface/acme/bert@{SHA}"),
            (Exactness.REVISION, "software_packageUrl", model("acme/bert", SHA)),
        ),
        (
            spdx3(
                externalIdentifier=[
                    {"type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": "cpe:2.3:a:b"},
                    {"externalIdentifierType": "packageUrl", "identifier": "pkg:huggingface/acme/bert"},
                ]
            ),
            (Exactness.MODEL, "externalIdentifier", model("acme/bert")),
        ),
        (
            spdx3(software_downloadLocation="https://hf.co/acme/bert", software_packageVersion=SHA),
            (Exactness.REVISION, "software_downloadLocation and version", model("acme/bert", SHA)),
        ),
        (
            spdx3(externalRef=[{"externalRefType": "altWebPage", "locator": ["https://hf.co/acme/bert"]}]),
            (Exactness.MODEL, "externalRef", model("acme/bert")),
        ),
        (
            {"@type": "https://spdx.org/rdf/3.0.1/terms/AI/AIPackage", "name": "acme/bert"},
            (Exactness.NAME, "name", model("acme/bert")),
        ),
    ],
)
def test_reads_who_a_component_says_it_is(component, expected):
    first = references_of(component)[0]
    assert (first.exactness, first.rests_on, first.reference) == expected


@pytest.mark.parametrize(
    "component",
    [
        cyclonedx(hashes=[{"alg": "MD5", "content": "0" * 32}, {"alg": "SHA-256", "content": DIGEST.upper()}]),
        cyclonedx(
            externalReferences=[
                {"type": "distribution", "url": "ftp://x", "hashes": [{"alg": "SHA-256", "content": DIGEST}]},
                {"type": "license", "url": "ftp://y", "hashes": [{"alg": "SHA-256", "content": "f" * 64}]},
            ]
        ),
        spdx2(checksums=[{"algorithm": "SHA256", "checksumValue": DIGEST}]),
        spdx3(verifiedUsing=[{"type": "Hash", "algorithm": "sha256", "hashValue": DIGEST}]),
    ],
)
def test_reads_digests_of_files(component):
    (found,) = references_of(component)
    assert (found.exactness, found.digest, found.reference) == (Exactness.DIGEST, DIGEST, None)


def test_the_most_exact_comes_first_and_each_once():
    component = cyclonedx(
        group="acme",
        purl="pkg:huggingface/acme/bert",
        hashes=[{"alg": "SHA-256", "content": DIGEST}],
        externalReferences=[
            {"type": "website", "url": "https://huggingface.co/acme/bert"},
            {"type": "vcs", "url": "https://huggingface.co/acme/bert/tree/v1"},
            {"type": "distribution", "url": f"https://huggingface.co/acme/bert/tree/{SHA}"},
            {"type": "issue-tracker", "url": f"https://huggingface.co/acme/bert/tree/{OTHER}"},
        ],
    )
    assert [(one.exactness, one.rests_on) for one in references_of(component)] == [
        (Exactness.REVISION, "externalReferences (distribution)"),
        (Exactness.DIGEST, "hashes"),
        (Exactness.MOVING, "externalReferences (vcs)"),
        (Exactness.MODEL, "purl"),
    ]


def test_says_what_the_component_said():
    found = references_of(cyclonedx(purl=" pkg:huggingface/acme/bert "))
    assert found == [Identity(Exactness.MODEL, "purl", "pkg:huggingface/acme/bert", model("acme/bert"))]


@pytest.mark.parametrize(
    "component",
    [
        {},
        cyclonedx(),
        {"type": "library", "group": "symfony", "name": "console"},
        spdx2(name="acme/bert"),
        spdx3(software_packageUrl="pkg:pypi/transformers@5"),
        cyclonedx(externalReferences=[{"type": "vcs", "url": "git+https://huggingface.co/acme/bert@a..b"}]),
    ],
)
def test_guesses_nothing(component):
    assert references_of(component) == []


FIELDS = st.sampled_from(
    [
        *("type", "@type", "name", "group", "version", "purl", "hashes", "alg", "content", "externalReferences", "url"),
        *("externalRefs", "referenceType", "referenceLocator", "downloadLocation", "homepage", "versionInfo"),
        *("checksums", "algorithm", "checksumValue", "externalIdentifier", "externalIdentifierType", "identifier"),
        *("verifiedUsing", "hashValue", "externalRef", "locator", "software_packageUrl", "software_packageVersion"),
    ]
)
WORDS = st.text() | st.sampled_from(
    [
        *("machine-learning-model", "ai_AIPackage", "vcs", "distribution", "purl", "packageUrl", "SHA-256", "sha256"),
        *(
            "pkg:huggingface/acme/bert",
            f"pkg:generic/ollama/library/b@sha256:{DIGEST}",
            SHA,
            DIGEST,
            "acme/bert",
            "gpt2",
        ),
        *("git+https://huggingface.co/acme/bert@\ud800", f"git+https://github.com/acme/bert@{SHA}", "12", "\ud800/x"),
    ]
)
ANYTHING = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(FIELDS, ANYTHING))
def test_any_component_is_read(component):
    found = references_of(component)
    assert [one.exactness for one in found] == sorted(one.exactness for one in found)
    assert all((one.reference is None) == (one.exactness is Exactness.DIGEST) for one in found)


def test_an_endless_list_takes_no_long_time():
    address = {"type": "vcs", "url": "https://huggingface.co/" + "a" * 3000}
    started = time.process_time()
    references_of(cyclonedx(externalReferences=[address] * 100_000, purl=["x" * 5000] * 100_000))
    assert time.process_time() - started < 1
