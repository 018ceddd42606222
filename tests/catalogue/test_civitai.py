"""Civitai: its addresses, and its answers over real HTTP from a stand-in."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.asking import Told
from catalogue.hub import HubFile, Knows, Outcome, Reference, UnreadableReferenceError
from catalogue.hubs.civitai import HUB, classify, read_answer
from catalogue.references import read
from tests.stand_ins.civitai import StandInCivitai, digits, example_file, example_model, example_version
from tests.waiting import IN_TIME


def model(number: str, version: str = "", file: str = "") -> Reference:
    return Reference("civitai", number, version, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://civitai.com/models/4384", model("4384")),
        ("http://www.civitai.com/models/4384/", model("4384")),
        ("civitai.com/models/4384/made-up", model("4384")),
        ("https://civitai.red/models/4384?modelVersionId=128713", model("4384", "128713")),
        ("https://civitai.green/models/4384/made-up?tag=a&modelVersionId=128713#x", model("4384", "128713")),
        ("https://civitai.com/api/v1/models/4384", model("4384")),
        ("urn:air:sd1:checkpoint:civitai:4384@128713", model("4384", "128713")),
        ("URN:AIR:sdxl:lora:civitai:4384", model("4384")),
        ("air:sd1:checkpoint:civitai:4384@128713+77", model("4384", "128713")),
        ("urn:air:sd1:checkpoint:civitai:4384@128713:layer.safetensors", model("4384", "128713")),
    ],
)
def test_reads_the_addresses_people_paste(text, expected):
    assert HUB.read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://civitai.com", "a page of Civitai"),
        ("https://civitai.com/models", "a page of Civitai"),
        ("https://civitai.com/user/acme", "a page of Civitai"),
        ("https://civitai.com/images/12", "a page of Civitai"),
        ("https://civitai.com/models/made-up", "has a number"),
        ("https://civitai.com/models/0", "has a number"),
        ("https://civitai.com/models/2147483648", "has a number"),
        ("https://civitai.com/models/\u0664", "has a number"),
        ("urn:air:sd1:checkpoint:civitai:99999999999", "has a number"),
        ("https://civitai.com/models/4384?modelVersionId=a/b", "not a version"),
        ("https://civitai.com/models/4384?" + "a=1&" * 60, "cannot be read"),
        ("https://civitai.com/model-versions/128713", "a version and not its model"),
        ("https://civitai.com/api/v1/model-versions/128713", "a version and not its model"),
        ("https://civitai.com/api/v1/model-versions/by-hash/0A", "a version and not its model"),
        ("https://civitai.com/api/download/models/128713?type=Model", "a version and not its model"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


@pytest.mark.parametrize(
    "text", ["4384", "urn:air:qwen3:repository:huggingface:acme/bert@main", "civitai.com.example.org"]
)
def test_leaves_other_text_alone(text):
    assert HUB.read(text) is None


def test_links_to_the_version_or_the_model():
    assert HUB.url(model("4384")) == "https://civitai.com/models/4384"
    assert HUB.url(model("4384", "128713")) == "https://civitai.com/models/4384?modelVersionId=128713"


def test_package_urls_carry_no_version_because_its_files_can_change():
    assert not HUB.is_immutable("128713")
    assert HUB.purl(model("4384", "128713")) == "pkg:generic/civitai/4384"
    assert HUB.purl(model("4384", file="a b.ckpt")) == "pkg:generic/civitai/4384#a%20b.ckpt"
    assert read("pkg:generic/civitai/4384@128713") == model("4384", "128713")
    assert HUB.purl(model("")) == ""


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"civitai": ""}
    with StandInCivitai([example_model(4384)]) as stand_in:
        settings.HUB_ENDPOINTS = {"civitai": stand_in.url}
        yield stand_in


def test_keeps_what_the_site_says(hub):
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.endpoint) == (Outcome.OK, hub.url)
    assert json.loads(answer.body)["id"] == 4384
    found = answer.facts
    assert (found.stable_id, found.name, found.revision, found.author) == ("4384", "4384", "43842", "acme")
    assert found.licence == (
        "allowNoCredit: yes; allowCommercialUse: Image, RentCivit; allowDerivatives: yes; allowDifferentLicense: no"
    )
    assert (found.likes, found.downloads) == (12, None)
    digest = digits("model_v43842.safetensors", 64)
    assert found.files == (HubFile("model_v43842.safetensors", 2_132_625_894, digest),)
    assert found.files_complete
    assert {"photorealistic", "title:Made Up", "type:Checkpoint", "version:v43842", "base-model:SD 1.5"} <= set(
        found.tags
    )
    assert "pickle-scan:Success:model_v43842.safetensors" in found.tags
    assert "virus-scan:Success:model_v43842.safetensors" in found.tags
    assert not {"nsfw", "poi", "minor"} & set(found.tags)
    assert found.modified_at == datetime(2024, 6, 7, 8, 9, 10, tzinfo=UTC)


def test_the_family_it_is_based_on_is_no_model_and_so_no_claim(hub):
    assert HUB.ask(model("4384")).facts.base_models == ()
    assert Knows.LINEAGE not in HUB.knows


def test_asks_once(hub):
    HUB.ask(model("4384", "43841"))
    assert hub.requests == [("GET", "/api/v1/models/4384")]


def test_the_files_are_those_of_the_version_that_was_named(hub):
    found = HUB.ask(model("4384", "43841")).facts
    assert (found.revision, [file.path for file in found.files]) == ("43841", ["model_v43841.safetensors"])


@pytest.mark.parametrize("version", ["1", "main", "none"])
def test_a_version_that_is_not_there_is_not_a_model_that_is_not_there(hub, version):
    assert HUB.ask(model("4384", version)).outcome is Outcome.REVISION_NOT_FOUND


def test_a_model_without_versions_has_facts(hub):
    hub.add(example_model(5, modelVersions=[]))
    answer = HUB.ask(model("5"))
    assert (answer.outcome, answer.facts.revision, answer.facts.files_complete) == (Outcome.OK, "", False)


def test_an_archived_model_is_disabled_and_its_files_are_unknown(hub):
    hub.archive(4384)
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.facts.disabled) == (Outcome.DISABLED, True)
    assert (answer.facts.files, answer.facts.files_complete) == ((), False)
    assert "mode:Archived" in answer.facts.tags


def test_a_model_taken_down_is_disabled_and_its_digests_stay_known(hub):
    hub.take_down(4384)
    answer = HUB.ask(model("4384", "43841"))
    assert (answer.outcome, answer.facts.disabled) == (Outcome.DISABLED, True)
    assert answer.facts.files[0].sha256 == digits("model_v43841.safetensors", 64)


def test_what_a_scanner_found_and_what_a_model_shows_are_kept(hub):
    file = example_file("bad.ckpt", pickleScanResult="Danger", virusScanResult="Pending")
    version = example_version(51, files=[file], usageControl="Generation")
    hub.add(example_model(5, nsfw=True, poi=True, minor=True, modelVersions=[version]))
    tags = set(HUB.ask(model("5")).facts.tags)
    assert {"pickle-scan:Danger:bad.ckpt", "virus-scan:Pending:bad.ckpt", "nsfw", "poi", "minor"} <= tags
    assert "usage:Generation" in tags


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["Sell", "Rent"], "allowCommercialUse: Sell, Rent"),
        ("{Image,RentCivit}", "allowCommercialUse: Image, RentCivit"),
        ("Sell", "allowCommercialUse: Sell"),
        ([], "allowCommercialUse: None"),
        (None, "allowNoCredit: yes; allowDerivatives"),
    ],
)
def test_permissions_are_the_sites_own_words(hub, value, said):
    hub.add(example_model(5, allowCommercialUse=value))
    assert said in HUB.ask(model("5")).facts.licence


def test_missing_is_not_called_deleted(hub):
    answer = HUB.ask(model("6"))
    assert (answer.outcome, answer.facts) == (Outcome.NOT_FOUND_OR_PRIVATE, None)
    assert answer.detail == "HTTP 404 No model with id 6"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("bad_token", Outcome.CREDENTIAL),
        ("blocked_for_legal_reasons", Outcome.NOT_FOUND_OR_PRIVATE),
        ("bad_number", Outcome.MALFORMED),
        ("another_model", Outcome.MALFORMED),
        ("without_number", Outcome.MALFORMED),
    ],
)
def test_a_refusal_means_what_it_says(hub, fault, outcome):
    hub.fail("4384", fault)
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.facts) == (outcome, None)
    assert answer.detail


def test_a_token_is_sent(hub, settings):
    settings.HUB_TOKENS = {"civitai": "good"}
    HUB.ask(model("4384"))
    assert hub.authorizations == ["Bearer good"]


def test_a_rate_limit_says_how_long_to_wait(hub):
    hub.fail("4384", "rate_limited")
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.retry_after) == (Outcome.RATE_LIMITED, 55)


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "forbidden"])
def test_trouble_on_the_way_is_transient(hub, fault):
    hub.fail("4384", fault)
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail


@pytest.mark.parametrize("fault", ["slow", "dripping_headers", "dripping_body"])
def test_a_site_that_takes_its_time_is_left_in_time(hub, settings, fault):
    settings.HUB_TIMEOUT_SECONDS = 0.3
    hub.fail("4384", fault)
    started = time.monotonic()
    assert HUB.ask(model("4384")).outcome is Outcome.TRANSIENT
    assert time.monotonic() - started < IN_TIME


@pytest.mark.parametrize(
    "fault", ["html", "a_list", "deeply_nested", "truncated", "huge", "inflating", "elsewhere", "in_circles"]
)
def test_an_answer_that_is_none_is_malformed(hub, fault):
    hub.fail("4384", fault)
    answer = HUB.ask(model("4384"))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    hub.fail("4384", "")
    assert HUB.ask(model("4384")).outcome is Outcome.OK


# --- Meaning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "had_token", "outcome"),
    [
        (200, False, Outcome.OK),
        (401, False, Outcome.CREDENTIAL),
        (403, True, Outcome.CREDENTIAL),
        (403, False, Outcome.TRANSIENT),
        (410, False, Outcome.NOT_FOUND_OR_PRIVATE),
        (503, True, Outcome.TRANSIENT),
        (418, False, Outcome.MALFORMED),
    ],
)
def test_a_status_means_one_thing(status, had_token, outcome):
    assert classify(status, had_token=had_token) is outcome


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted({*example_model(5), "mode"}))
VERSION_KEYS = st.sampled_from(sorted(example_version(51)))
FILE_KEYS = st.sampled_from(sorted(example_file("a")))


@given(
    said=st.dictionaries(KEYS, ANYTHING),
    version=st.dictionaries(VERSION_KEYS, ANYTHING),
    file=st.dictionaries(FILE_KEYS, ANYTHING),
)
def test_any_document_is_read_or_refused(said, version, file):
    one = example_version(51) | version | {"files": [example_file("a") | file]}
    document = example_model(5) | {"modelVersions": [one]} | said
    told = Told(200, {}, json.dumps(document).encode())
    answer = read_answer(told, reference=model("5"), had_token=False, endpoint="http://127.0.0.1")
    if answer.facts is not None:
        json.dumps(answer.facts.licence + "".join(answer.facts.tags)).encode("ascii")
        assert answer.facts.stable_id == "5"
