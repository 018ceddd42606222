"""Ollama: its names and addresses, and its registry's answers over real HTTP from a stand-in."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.asking import Told
from catalogue.hub import HubFile, Knows, Outcome, Reference, UnreadableReferenceError
from catalogue.hubs import ollama
from catalogue.hubs.ollama import HUB, _Registry, classify
from catalogue.json_values import MalformedAnswerError
from catalogue.references import read
from tests.stand_ins.ollama import LICENCE, PUSHED_AT, StandInRegistry, digest_of, digits, example_config, layer
from tests.stand_ins.ranges import StandInFiles
from tests.waiting import IN_TIME

HEX = "0123456789abcdef" * 4


def json_of(value: object) -> bytes:
    return json.dumps(value).encode()


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("ollama", name, revision, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ollama.com/library/llama3.2", model("library/llama3.2")),
        ("http://www.ollama.com/library/llama3.2/", model("library/llama3.2")),
        ("ollama.ai/library/llama3.2:1b", model("library/llama3.2", "1b")),
        ("https://ollama.com/library/llama3.2/tags", model("library/llama3.2")),
        ("https://ollama.com/Acme/bert_1:q4_K_M", model("Acme/bert_1", "q4_K_M")),
        (
            "https://ollama.com/library/llama3.2:1b/blobs/74701a8c35f6",
            model("library/llama3.2", "1b", "blobs/74701a8c35f6"),
        ),
        (f"https://ollama.com/library/llama3.2#sha256:{HEX}", model("library/llama3.2", HEX)),
        ("registry.ollama.ai/library/llama3.2:latest", model("library/llama3.2", "latest")),
        ("registry.ollama.ai/llama3.2", model("library/llama3.2")),
        (f"registry.ollama.ai/acme/bert:1b@sha256:{HEX.upper()}", model("acme/bert", HEX)),
        ("https://registry.ollama.ai/v2/library/bert/manifests/1b", model("library/bert", "1b")),
        (f"https://registry.ollama.ai/v2/library/bert/manifests/sha256:{HEX}", model("library/bert", HEX)),
        (f"https://registry.ollama.ai/v2/acme/bert/blobs/sha256:{HEX}", model("acme/bert", "", f"blobs/{HEX[:12]}")),
        ("ollama://llama3.2:1b", model("library/llama3.2", "1b")),
    ],
)
def test_reads_the_addresses_people_paste(text, expected):
    assert HUB.read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://ollama.com", "a page of Ollama"),
        ("https://ollama.com/library", "a page of Ollama"),
        ("https://ollama.com/search?q=bert", "a page of Ollama"),
        ("https://ollama.com/blog/new-models", "a page of Ollama"),
        ("https://ollama.com/acme", "the page of a user"),
        ("https://ollama.com/acme/bert/nonsense", "not a model or a file of one"),
        ("https://ollama.com/acme/bert/blobs/xyz", "not a model or a file of one"),
        ("https://ollama.com/acme/bert/blobs", "not a model or a file of one"),
        ("https://ollama.com/ac.me/bert", "not a name"),
        ("https://ollama.com/acme/-bert", "not a name"),
        (f"https://ollama.com/acme/{'b' * 81}", "not a name"),
        ("https://ollama.com/acme/bert:a%2Fb", "not a tag"),
        ("registry.ollama.ai/acme/bert@sha256:12", "not a tag or a digest"),
        ("https://registry.ollama.ai/v2/", "not about a model"),
        ("https://registry.ollama.ai/v2/acme/bert/tags/list", "not about a model"),
        ("ollama://", "a page of Ollama"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


def test_links_to_the_blob_the_tag_or_the_model():
    assert HUB.url(model("library/bert")) == "https://ollama.com/library/bert"
    assert HUB.url(model("library/bert", "1b")) == "https://ollama.com/library/bert:1b"
    assert HUB.url(model("library/bert", HEX)) == f"https://ollama.com/library/bert#sha256:{HEX}"
    assert (
        HUB.url(model("acme/bert", "1b", "blobs/74701a8c35f6")) == "https://ollama.com/acme/bert:1b/blobs/74701a8c35f6"
    )
    assert HUB.url(model("acme/bert", "1b", "model.gguf")) == "https://ollama.com/acme/bert:1b"


def test_package_urls_carry_a_digest_and_no_tag():
    assert HUB.purl(model("library/bert", f"SHA256:{HEX}")) == f"pkg:generic/ollama/library/bert@sha256:{HEX}"
    assert HUB.purl(model("library/bert", "1b")) == "pkg:generic/ollama/library/bert"
    assert HUB.purl(model("library/bert", HEX, "model.gguf")).endswith(f"@sha256:{HEX}#model.gguf")
    assert read(HUB.purl(model("library/bert", HEX))) == model("library/bert", HEX)


@pytest.mark.parametrize("name", ["", "bert", "a.b/bert", "acme/bert/large", "acme/"])
def test_other_names_have_no_package_url(name):
    assert HUB.purl(model(name)) == ""


def test_a_path_that_package_urls_cannot_carry_gives_none():
    assert HUB.purl(model("acme/bert", file="../x")) == ""


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"ollama": ""}
    with StandInRegistry(["library/bert", "acme/bert"]) as stand_in:
        settings.HUB_ENDPOINTS = {"ollama": stand_in.url}
        yield stand_in


def test_keeps_what_the_registry_says(hub):
    answer = HUB.ask(model("library/bert"))
    assert answer.outcome is Outcome.OK
    assert answer.endpoint == hub.url
    assert answer.body == hub.manifests["library/bert", "latest"]
    found = answer.facts
    assert found.stable_id == "name:library/bert"
    assert found.name == "library/bert"
    assert f"sha256:{found.revision}" == digest_of(answer.body)
    assert (found.author, found.licence) == ("", "MADE-UP COMMUNITY LICENSE AGREEMENT")
    assert found.modified_at == datetime.fromtimestamp(PUSHED_AT, UTC)
    said = {"model_format:gguf", "model_family:bert", "model_type:1.2B", "file_type:Q8_0", "capability:tools"}
    assert said <= set(found.tags)
    weights = digest_of(digits("library/bert latest", 64).encode()).removeprefix("sha256:")
    assert HubFile("model.gguf", 1_300_000_000, weights) in found.files
    assert [file.path for file in found.files] == ["license", "model.gguf", "params.json"]
    assert (found.downloads, found.likes, found.gated, found.base_models) == (None, None, "", ())


def test_says_only_what_the_registry_always_tells():
    assert HUB.knows == {Knows.FILES, Knows.DIGESTS, Knows.LICENCE}


def test_the_namespace_of_others_is_the_author(hub):
    assert HUB.ask(model("acme/bert")).facts.author == "acme"


def test_asks_for_the_manifest_the_config_and_one_licence(hub):
    HUB.ask(model("library/bert"))
    paths = [path for _, path in hub.requests]
    assert paths == [
        "/v2/library/bert/manifests/latest",
        f"/v2/library/bert/blobs/{digest_of(json_of(example_config()))}",
        f"/v2/library/bert/blobs/{digest_of(LICENCE)}",
    ]


def test_a_tag_is_asked_for_as_it_is(hub):
    hub.push("library/bert", "1b", config=example_config(model_type="1B"))
    assert "model_type:1B" in HUB.ask(model("library/bert", "1b")).facts.tags
    assert hub.requests[0] == ("GET", "/v2/library/bert/manifests/1b")


def test_a_tag_that_moves_has_another_revision(hub):
    before = HUB.ask(model("library/bert")).facts.revision
    hub.push("library/bert", config=example_config(file_type="Q4_0"))
    assert HUB.ask(model("library/bert")).facts.revision != before


def test_a_tag_that_is_not_there_is_not_a_model_that_is_not_there(hub):
    assert HUB.ask(model("library/bert", "70b")).outcome is Outcome.REVISION_NOT_FOUND
    assert HUB.ask(model("library/missing", "70b")).outcome is Outcome.NOT_FOUND_OR_PRIVATE
    assert HUB.ask(model("library/missing")).outcome is Outcome.NOT_FOUND_OR_PRIVATE


@pytest.mark.parametrize("serves_digests", [False, True])
def test_a_digest_is_found_where_the_registry_shows_it(hub, serves_digests):
    hub.serves_digests = serves_digests
    digest = HUB.ask(model("library/bert")).facts.revision
    answer = HUB.ask(model("library/bert", digest.upper()))
    assert (answer.outcome, answer.facts.revision) == (Outcome.OK, digest)
    assert HUB.ask(model("library/bert", HEX)).outcome is Outcome.REVISION_NOT_FOUND
    assert HUB.ask(model("library/missing", HEX)).outcome is Outcome.NOT_FOUND_OR_PRIVATE


@pytest.mark.parametrize(("serves_digests", "outcome"), [(False, Outcome.REVISION_NOT_FOUND), (True, Outcome.OK)])
def test_a_digest_that_no_longer_is_the_latest_is_found_by_digest_alone(hub, serves_digests, outcome):
    digest = HUB.ask(model("library/bert")).facts.revision
    hub.manifests["library/bert", "old"] = hub.manifests["library/bert", "latest"]
    hub.push("library/bert", config=example_config(file_type="Q4_0"))
    hub.serves_digests = serves_digests
    assert HUB.ask(model("library/bert", digest)).outcome is outcome


def test_content_with_another_digest_is_not_believed(hub):
    hub.serves_digests = True
    hub.fail("library/bert", "other_content")
    assert HUB.ask(model("library/bert", HEX)).facts is None
    hub.fail("library/bert", "")
    hub.blob_faults["library/bert"] = "other_content"
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts.tags, answer.facts.licence) == (Outcome.OK, (), "")


@pytest.fixture
def storage(hub, settings, monkeypatch):
    """Another host that the registry keeps its blobs on."""
    settings.HUB_TOKENS = {"ollama": "secret"}
    hub.required_token = "secret"
    with StandInFiles(host="localhost") as storage:
        monkeypatch.setattr(ollama, "BLOB_HOSTS", ("localhost",))
        hub.storage = storage
        yield storage


def test_blobs_are_read_from_the_host_the_registry_keeps_them_on_without_the_token(hub, storage):
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts.licence) == (Outcome.OK, "MADE-UP COMMUNITY LICENSE AGREEMENT")
    assert "model_family:bert" in answer.facts.tags
    assert len(storage.requests) == 2
    assert set(storage.authorizations) == {None}
    assert set(hub.authorizations) == {"Bearer secret"}


def test_blobs_from_there_are_believed_by_their_digest_only(hub, storage):
    config = json.loads(hub.manifests["library/bert", "latest"])["config"]["digest"]
    hub.blobs[config] = b'{"model_family": "other"}'
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts.tags) == (Outcome.OK, ())


def test_blobs_on_any_other_host_are_not_fetched(hub, storage, monkeypatch):
    monkeypatch.setattr(ollama, "BLOB_HOSTS", ("storage.example",))
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts.tags, answer.facts.licence) == (Outcome.OK, (), "")
    assert answer.facts.files
    assert storage.requests == []


def test_blobs_are_not_fetched_from_a_network_of_ours(hub, storage, monkeypatch):
    monkeypatch.setattr(ollama, "BLOB_HOSTS", ("10.0.0.1",))
    storage.url = "http://10.0.0.1:9"
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts.tags, answer.facts.licence) == (Outcome.OK, (), "")


def test_a_manifest_is_never_read_from_another_host(hub, storage):
    hub.fail("library/bert", "in_storage")
    answer = HUB.ask(model("library/bert"))
    assert answer.outcome is Outcome.MALFORMED
    assert storage.requests == []


@pytest.mark.parametrize(
    ("fault", "outcome"), [("rate_limited", Outcome.RATE_LIMITED), ("unavailable", Outcome.TRANSIENT)]
)
def test_a_blob_that_may_be_there_another_time_is_waited_for(hub, fault, outcome):
    hub.blob_faults["library/bert"] = fault
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts) == (outcome, None)


def test_a_model_that_runs_elsewhere_has_no_files(hub):
    hub.push("library/bert", "cloud", config={"remote_host": "https://ollama.com:443"}, layers=[])
    found = HUB.ask(model("library/bert", "cloud")).facts
    assert (found.files, found.tags) == ((), ("remote_host:https://ollama.com:443",))


def test_layers_of_a_kind_are_numbered_and_tensors_have_their_names(hub):
    layers = [
        layer("license", b"1"),
        layer("license", b"2"),
        layer("tensor", b"3", name="text_encoder/model.embed_tokens.weight"),
        layer("model; name=x", b"4"),
        {"mediaType": "application/vnd.ollama.image.model", "digest": "md5:0"},
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b"5")},
        "no layer",
    ]
    hub.push("acme/bert", layers=layers)
    paths = [file.path for file in HUB.ask(model("acme/bert")).facts.files]
    assert paths == ["license", "license-2", "model.gguf", "text_encoder/model.embed_tokens.weight.safetensors"]


def test_what_only_its_owner_may_have_looks_like_missing(hub):
    hub.required_token = "good"
    assert HUB.ask(model("library/bert")).outcome is Outcome.NOT_FOUND_OR_PRIVATE
    assert HUB.ask(model("library/bert", "1b")).outcome is Outcome.NOT_FOUND_OR_PRIVATE


def test_a_token_is_sent_and_its_refusal_is_our_trouble(hub, settings):
    hub.required_token = "good"
    settings.HUB_TOKENS = {"ollama": "good"}
    assert HUB.ask(model("library/bert")).outcome is Outcome.OK
    assert set(hub.authorizations) == {"Bearer good"}
    settings.HUB_TOKENS = {"ollama": "revoked"}
    assert HUB.ask(model("library/bert")).outcome is Outcome.CREDENTIAL


def test_taken_down_is_never_called_deleted(hub):
    hub.fail("library/bert", "taken_down")
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.detail) == (
        Outcome.NOT_FOUND_OR_PRIVATE,
        "HTTP 410 MANIFEST_UNKNOWN taken down",
    )


def test_a_rate_limit_says_how_long_to_wait(hub):
    hub.fail("library/bert", "rate_limited")
    answer = HUB.ask(model("library/bert", "1b"))
    assert (answer.outcome, answer.retry_after) == (Outcome.RATE_LIMITED, 55)
    assert len(hub.requests) == 1


@pytest.mark.parametrize("fault", ["unavailable", "internal_error", "hang_up", "forbidden"])
@pytest.mark.parametrize("revision", ["", "1b", HEX])
def test_trouble_on_the_way_is_transient(hub, fault, revision):
    hub.fail("library/bert", fault)
    answer = HUB.ask(model("library/bert", revision))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail


@pytest.mark.parametrize("fault", ["slow", "dripping_headers", "dripping_body"])
@pytest.mark.parametrize("revision", ["", HEX])
def test_a_registry_that_takes_its_time_is_left_in_time(hub, settings, fault, revision):
    settings.HUB_TIMEOUT_SECONDS = 0.8
    hub.fail("library/bert", fault)
    started = time.monotonic()
    assert HUB.ask(model("library/bert", revision)).outcome is Outcome.TRANSIENT
    assert time.monotonic() - started < IN_TIME


@pytest.mark.parametrize(
    "fault",
    ["html", "a_list", "an_image", "deeply_nested", "truncated", "huge", "inflating", "elsewhere", "in_circles"],
)
def test_an_answer_that_is_none_is_malformed(hub, fault):
    hub.fail("library/bert", fault)
    answer = HUB.ask(model("library/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    hub.fail("library/bert", "")
    assert HUB.ask(model("library/bert")).outcome is Outcome.OK


# --- Meaning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "had_token", "outcome"),
    [
        (200, False, Outcome.OK),
        (401, False, Outcome.NOT_FOUND_OR_PRIVATE),
        (401, True, Outcome.CREDENTIAL),
        (403, False, Outcome.TRANSIENT),
        (403, True, Outcome.CREDENTIAL),
        (404, True, Outcome.NOT_FOUND_OR_PRIVATE),
        (451, False, Outcome.NOT_FOUND_OR_PRIVATE),
        (429, False, Outcome.RATE_LIMITED),
        (500, False, Outcome.TRANSIENT),
        (599, True, Outcome.TRANSIENT),
        (302, False, Outcome.MALFORMED),
        (400, False, Outcome.MALFORMED),
    ],
)
def test_a_status_means_one_thing(status, had_token, outcome):
    assert classify(status, had_token=had_token) is outcome


def test_a_long_name_has_a_stable_id_that_fits():
    long = f"{'a' * 80}/{'b' * 80}"
    with StandInRegistry([long]) as stand_in:
        answer = _Registry(stand_in.url, "", long)
        assert len(answer.answer(Told(200, {}, stand_in.manifests[long, "latest"])).facts.stable_id) <= 100


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    config=ANYTHING,
    layers=ANYTHING,
    one=st.dictionaries(st.sampled_from(["mediaType", "digest", "size", "name"]), ANYTHING),
)
def test_any_manifest_is_read_or_refused(config, layers, one):
    listed = [*layers, one] if isinstance(layers, list) else layers
    registry = _Registry("http://127.0.0.1:1", "", "acme/bert")
    body = json_of({"config": config, "layers": listed})
    try:
        answer = registry.answer(Told(200, {"ollama-push-time": "9" * 12}, body))
    except MalformedAnswerError:
        return
    assert answer.outcome is Outcome.OK
