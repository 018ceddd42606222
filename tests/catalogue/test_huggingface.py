"""The Hugging Face Hub: its addresses, and its answers over real HTTP from a stand-in."""

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from huggingface_hub import close_session
from hypothesis import given
from hypothesis import strategies as st

from catalogue.hub import BaseModelClaim, HubFile, Outcome, Reference, UnreadableReferenceError
from catalogue.hubs.huggingface import HUB
from catalogue.huggingface_answers import classify, facts
from catalogue.json_values import MalformedAnswerError
from tests.stand_ins.huggingface import StandInHub, digits, example_file, example_model
from tests.waiting import IN_TIME

SHA = "0123456789abcdef0123456789abcdef01234567"
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "hubs" / "huggingface"
MANY_FILES = [example_file(f"checkpoints/step-{number:06}/optimizer.pt", 1, is_large=True) for number in range(40_000)]
WITH_FACTS = {Outcome.OK, Outcome.RENAMED, Outcome.GATED, Outcome.DISABLED}


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("huggingface", name, revision, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://huggingface.co/acme/bert", model("acme/bert")),
        ("http://www.huggingface.co/acme/bert/", model("acme/bert")),
        ("HTTPS://HuggingFace.co/Acme/BERT", model("Acme/BERT")),
        ("https://hf.co/acme/bert?library=transformers#usage", model("acme/bert")),
        ("huggingface.co/acme/bert", model("acme/bert")),
        ("//hf.co/acme/bert", model("acme/bert")),
        ("https://huggingface.co/acme/bert.git", model("acme/bert")),
        ("https://user:token@huggingface.co/acme/bert", model("acme/bert")),
        ("hf.co/acme/bert-GGUF:Q4_K_M", model("acme/bert-GGUF")),
        ("https://huggingface.co/acme/bert/tree/main", model("acme/bert", "main")),
        ("https://huggingface.co/acme/bert/tree/v1.0/onnx", model("acme/bert", "v1.0", "onnx")),
        ("https://huggingface.co/acme/bert/blob/main/a%20b/c.bin", model("acme/bert", "main", "a b/c.bin")),
        (f"https://huggingface.co/acme/bert/resolve/{SHA}/c.bin?download=true", model("acme/bert", SHA, "c.bin")),
        ("https://huggingface.co/acme/bert/raw/main/README.md", model("acme/bert", "main", "README.md")),
        ("https://huggingface.co/acme/bert/blame/main/README.md", model("acme/bert", "main", "README.md")),
        (f"https://huggingface.co/acme/bert/commit/{SHA.upper()}", model("acme/bert", SHA)),
        ("https://huggingface.co/acme/bert/commits/main", model("acme/bert", "main")),
        ("https://huggingface.co/acme/bert/tree/refs%2Fpr%2F3", model("acme/bert", "refs/pr/3")),
        ("https://huggingface.co/acme/bert/blob/refs/pr/3/c.bin", model("acme/bert", "refs/pr/3", "c.bin")),
        ("https://huggingface.co/acme/bert/discussions", model("acme/bert")),
        ("https://huggingface.co/acme/bert/discussions/12#65ab", model("acme/bert")),
        ("https://huggingface.co/api/models/acme/bert/revision/main", model("acme/bert", "main")),
        ("https://huggingface.co/gpt2", model("gpt2")),
        ("https://huggingface.co/bert-base-uncased", model("bert-base-uncased")),
        ("https://huggingface.co/oldmodel/tree/main", model("oldmodel", "main")),
        ("hf://acme/bert", model("acme/bert")),
        ("hf://gpt2", model("gpt2")),
        ("hf://models/acme/bert", model("acme/bert")),
        ("hf://acme/bert/a/b.bin", model("acme/bert", file="a/b.bin")),
        ("hf://acme/bert@refs%2Fpr%2F3/b.bin", model("acme/bert", "refs/pr/3", "b.bin")),
        ("hf://acme/bert@refs/pr/3/b.bin", model("acme/bert", "refs/pr/3", "b.bin")),
    ],
)
def test_reads_the_addresses_people_paste(text, expected):
    assert HUB.read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://huggingface.co/datasets/acme/squad", "a dataset on Hugging Face, not a model"),
        ("https://huggingface.co/spaces/acme/demo/tree/main", "a Space"),
        ("https://huggingface.co/collections/acme/best-65ab", "a collection"),
        ("https://huggingface.co/papers/2401.00001", "a paper"),
        ("hf://datasets/acme/squad", "a dataset"),
        ("https://huggingface.co", "a page of Hugging Face"),
        ("https://huggingface.co/models?search=bert", "a page of Hugging Face"),
        ("https://huggingface.co/docs/hub/index", "a page of Hugging Face"),
        ("https://huggingface.co/acme", "the page of a user or an organisation"),
        ("https://huggingface.co/acme/models", "the page of a user or an organisation"),
        ("https://huggingface.co/acme/bert/nonsense", "not a model or a file of one"),
        ("https://huggingface.co/acme/-bert", "not a name"),
        ("https://huggingface.co/acme/be--rt", "not a name"),
        (f"https://huggingface.co/acme/{'b' * 97}", "not a name"),
        ("https://huggingface.co/ac%2Fme/bert", "not a name"),
        ("https://huggingface.co/gpt2:x/bert", "not a name"),
        ("https://huggingface.co/acme/bert/tree/%00", "not a revision"),
        ("https://huggingface.co/acme/bert/tree/a..b", "not a revision"),
        (f"https://huggingface.co/acme/bert/tree/{'r' * 201}", "not a revision"),
        ("https://huggingface.co/acme/bert/blob/main/../../x", "not a path"),
        ("https://huggingface.co/acme/bert/blob/main/a%0Ab", "not a path"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


def test_links_to_the_file_the_revision_or_the_repository():
    assert HUB.url(model("acme/bert")) == "https://huggingface.co/acme/bert"
    assert HUB.url(model("acme/bert", "refs/pr/3")) == "https://huggingface.co/acme/bert/tree/refs%2Fpr%2F3"
    assert HUB.url(model("acme/bert", SHA, "a b.bin")) == f"https://huggingface.co/acme/bert/blob/{SHA}/a%20b.bin"
    assert HUB.url(model("acme/bert", file="a.bin")) == "https://huggingface.co/acme/bert/blob/main/a.bin"


def test_package_urls_carry_a_version_only_where_it_cannot_move():
    assert HUB.purl(model("Acme/Bert-1.5", SHA.upper())) == f"pkg:huggingface/Acme/Bert-1.5@{SHA}"
    assert HUB.purl(model("acme/bert", "main")) == "pkg:huggingface/acme/bert"
    assert HUB.purl(model("acme/bert", SHA, "a/b.bin")) == f"pkg:huggingface/acme/bert@{SHA}#a/b.bin"


def test_one_word_names_have_no_package_url():
    assert HUB.purl(model("gpt2", SHA)) == ""


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"huggingface": ""}
    with StandInHub([example_model("acme/bert")]) as stand_in:
        settings.HUB_ENDPOINTS = {"huggingface": stand_in.url}
        close_session()
        yield stand_in
        close_session()


def test_keeps_what_the_hub_says(hub):
    answer = HUB.ask(model("acme/bert"))
    assert answer.outcome is Outcome.OK
    assert answer.endpoint == hub.url
    found = answer.facts
    assert found.stable_id == digits("acme/bert", 24)
    assert found.name == "acme/bert"
    assert found.revision == digits("acme/bert 1", 40)
    assert (found.author, found.licence, found.library) == ("acme", "apache-2.0", "transformers")
    assert (found.downloads, found.likes, found.pipeline) == (4321, 12, "text-generation")
    assert found.created_at == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.modified_at == datetime(2024, 6, 7, 8, 9, 10, tzinfo=UTC)
    assert (
        HubFile("model.safetensors", 5_000_000_000, digits("model.safetensors", 64), digits("model.safetensors", 40))
        in found.files
    )
    assert HubFile("config.json", 700, None, digits("config.json", 40)) in found.files


def test_asks_once_and_for_the_digests_of_files(hub):
    HUB.ask(model("acme/bert"))
    assert hub.requests == [("GET", "/api/models/acme/bert?blobs=true")]


def test_asks_at_the_revision_that_was_named(hub):
    first = digits("acme/bert 1", 40)
    second = hub.move_on("acme/bert")
    assert HUB.ask(model("acme/bert")).facts.revision == second
    assert HUB.ask(model("acme/bert", first)).facts.revision == first
    assert HUB.ask(model("acme/bert", first.upper())).facts.revision == first
    assert HUB.ask(model("acme/bert", "refs/pr/3")).facts.revision == second
    assert hub.requests[-1] == ("GET", "/api/models/acme/bert/revision/refs%2Fpr%2F3?blobs=true")


def test_a_revision_that_is_not_there_is_not_a_model_that_is_not_there(hub):
    assert HUB.ask(model("acme/bert", SHA)).outcome is Outcome.REVISION_NOT_FOUND


def test_an_answer_about_another_revision_is_not_believed(hub):
    hub.recorded[f"/api/models/acme/bert/revision/{SHA}"] = (200, {}, json.dumps(example_model("acme/bert")).encode())
    answer = HUB.ask(model("acme/bert", SHA))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)


def test_follows_a_rename_and_says_so(hub):
    before = HUB.ask(model("acme/bert")).facts
    hub.rename("acme/bert", "acme-labs/bert-2")
    answer = HUB.ask(model("acme/bert", before.revision))
    assert answer.outcome is Outcome.RENAMED
    assert answer.facts.name == "acme-labs/bert-2"
    assert answer.facts.stable_id == before.stable_id
    assert answer.facts.revision == before.revision


def test_other_letter_case_is_not_a_rename(hub):
    answer = HUB.ask(model("ACME/Bert"))
    assert answer.outcome is Outcome.OK
    assert answer.facts.name == "acme/bert"


@pytest.mark.parametrize("way", ["auto", "manual"])
def test_a_gated_model_still_has_facts(hub, way):
    hub.put(example_model("acme/gated", gated=way))
    answer = HUB.ask(model("acme/gated"))
    assert (answer.outcome, answer.facts.gated) == (Outcome.GATED, way)


def test_a_disabled_model_still_has_facts(hub):
    hub.put(example_model("acme/disabled", disabled=True, gated="auto"))
    answer = HUB.ask(model("acme/disabled"))
    assert answer.outcome is Outcome.DISABLED
    assert (answer.facts.disabled, answer.facts.gated) == (True, "auto")


def test_a_gated_model_that_was_renamed_tells_both(hub):
    hub.put(example_model("acme/gated", gated="manual"))
    hub.rename("acme/gated", "acme/open")
    answer = HUB.ask(model("acme/gated"))
    assert (answer.outcome, answer.facts.gated) == (Outcome.RENAMED, "manual")


@pytest.mark.parametrize("name", ["acme/missing", "acme/secret"])
def test_without_a_token_missing_and_private_look_the_same(hub, name):
    hub.fail("acme/secret", "private")
    answer = HUB.ask(model(name))
    assert (answer.outcome, answer.facts) == (Outcome.NOT_FOUND_OR_PRIVATE, None)
    assert answer.detail == "HTTP 401 Invalid username or password."


def test_with_a_token_missing_is_still_not_called_deleted(hub, settings):
    settings.HUB_TOKENS = {"huggingface": "hf_good"}
    hub.tokens.add("hf_good")
    assert HUB.ask(model("acme/missing")).outcome is Outcome.NOT_FOUND_OR_PRIVATE
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK
    assert set(hub.authorizations) == {"Bearer hf_good"}


def test_a_token_the_hub_refuses_is_our_trouble_not_the_models(hub, settings):
    settings.HUB_TOKENS = {"huggingface": "hf_revoked"}
    assert HUB.ask(model("acme/bert")).outcome is Outcome.CREDENTIAL


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [("rate_limited", 55), ("rate_limited_the_old_way", 120), ("rate_limited_for_ever", 24 * 3600)],
)
def test_a_rate_limit_says_how_long_to_wait(hub, fault, seconds):
    hub.fail("acme/bert", fault)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.retry_after) == (Outcome.RATE_LIMITED, seconds)
    assert len(hub.requests) == 1


def test_what_was_taken_down_for_legal_reasons_is_not_shown(hub):
    hub.fail("acme/bert", "taken_down")
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.NOT_FOUND_OR_PRIVATE, None)
    assert answer.detail == "HTTP 451 Unavailable For Legal Reasons"


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "forbidden"])
def test_trouble_on_the_way_is_transient(hub, fault):
    hub.fail("acme/bert", fault)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail
    assert answer.retry_after is None
    hub.fail("acme/bert", "")
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK


@pytest.mark.parametrize("fault", ["slow", "dripping_headers", "dripping_body"])
def test_a_hub_that_takes_its_time_is_left_in_time(hub, settings, fault):
    settings.HUB_TIMEOUT_SECONDS = 0.3
    hub.fail("acme/bert", fault)
    started = time.monotonic()
    assert HUB.ask(model("acme/bert")).outcome is Outcome.TRANSIENT
    assert time.monotonic() - started < IN_TIME


def test_a_hub_that_is_not_there_is_transient(hub, settings):
    settings.HUB_ENDPOINTS = {"huggingface": "http://127.0.0.1:1"}
    assert HUB.ask(model("acme/bert")).outcome is Outcome.TRANSIENT


@pytest.mark.parametrize("fault", ["html", "a_list", "deeply_nested", "truncated", "elsewhere", "in_circles"])
def test_an_answer_that_is_none_is_malformed(hub, fault):
    hub.fail("acme/bert", fault)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    assert "\n" not in answer.detail
    hub.fail("acme/bert", "")
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK


def test_a_model_with_too_many_files_is_known_without_them(hub):
    tags = ["base_model:finetune:acme/base", "dataset:acme/words"]
    hub.put(example_model("acme/checkpoints", tags=tags, gated="auto"))
    usual = HUB.ask(model("acme/checkpoints"))
    hub.put(hub.models["acme/checkpoints"][-1] | {"siblings": MANY_FILES})
    hub.requests.clear()
    answer = HUB.ask(model("acme/checkpoints"))
    assert answer.outcome is Outcome.GATED
    assert answer.facts == replace(usual.facts, files=(), files_complete=False)
    assert [path.partition("?")[2][:8] for _, path in hub.requests] == ["blobs=tr", "expand%5"]
    assert json.loads(answer.body)["config"] == example_model("acme/checkpoints")["config"]


@pytest.mark.parametrize("fault", ["huge", "inflating"])
def test_an_answer_that_is_too_large_for_another_reason_is_cut_off_just_as_well(hub, fault):
    hub.fail("acme/bert", fault)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.files, answer.facts.files_complete) == (Outcome.OK, (), False)
    hub.fail_question("expand", "private")
    assert HUB.ask(model("acme/bert")).outcome is Outcome.NOT_FOUND_OR_PRIVATE


def test_so_it_is_at_a_revision_under_a_former_name_and_not_if_the_second_answer_fails(hub):
    hub.put(example_model("acme/checkpoints", siblings=MANY_FILES))
    sha = hub.models["acme/checkpoints"][-1]["sha"]
    hub.rename("acme/checkpoints", "acme/steps")
    answer = HUB.ask(model("acme/checkpoints", sha))
    assert (answer.outcome, answer.facts.revision, answer.facts.files) == (Outcome.RENAMED, sha, ())
    hub.fail_question("expand", "unavailable")
    assert HUB.ask(model("acme/steps")).outcome is Outcome.TRANSIENT
    for fault in ("huge", "inflating"):
        hub.fail_question("expand", fault)
        answer = HUB.ask(model("acme/steps"))
        assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
        assert "AnswerTooLarge" in answer.detail


def test_a_document_without_a_listing_says_nothing_of_files():
    document = example_model("acme/bert")
    assert facts(document).files_complete
    for siblings in ({}, None, "many"):
        assert not facts(document | {"siblings": siblings}).files_complete
    del document["siblings"]
    assert not facts(document).files_complete


def test_sends_no_telemetry_no_token_lying_about_and_uses_no_proxy(hub, settings, monkeypatch):
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.setenv(variable, "hf_lying_about")
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    close_session()
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK
    assert hub.requests == [("GET", "/api/models/acme/bert?blobs=true")]
    assert hub.authorizations == [None]


def test_many_threads_may_ask_at_once(hub):
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(HUB.ask(model("acme/bert")).outcome)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome.OK] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker_does_not_share_its_parents_connection(hub):
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if HUB.ask(model("acme/bert")).outcome is Outcome.OK else 1)
        finally:
            os._exit(2)  # an error must not let a second pytest go on
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK


# --- Meaning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message", "had_token", "outcome"),
    [
        (200, "", "", False, Outcome.OK),
        (401, "", "Invalid username or password.", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (401, "GatedRepo", "Access is restricted", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (401, "", "Invalid credentials in Authorization header", True, Outcome.CREDENTIAL),
        (403, "GatedRepo", "", True, Outcome.NOT_FOUND_OR_PRIVATE),
        (403, "", "Access to this resource is disabled.", True, Outcome.NOT_FOUND_OR_PRIVATE),
        (403, "", "Forbidden: your token is too narrow", True, Outcome.CREDENTIAL),
        (403, "", "", False, Outcome.TRANSIENT),
        (404, "RepoNotFound", "", True, Outcome.NOT_FOUND_OR_PRIVATE),
        (404, "RevisionNotFound", "", False, Outcome.REVISION_NOT_FOUND),
        (404, "", "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (410, "", "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (451, "", "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (408, "", "", False, Outcome.TRANSIENT),
        (429, "", "", False, Outcome.RATE_LIMITED),
        (500, "", "", False, Outcome.TRANSIENT),
        (504, "", "", True, Outcome.TRANSIENT),
        (204, "", "", False, Outcome.MALFORMED),
        (304, "", "", False, Outcome.MALFORMED),
        (400, "", "", False, Outcome.MALFORMED),
    ],
)
def test_tells_the_ends_of_a_question_apart(status, code, message, had_token, outcome):
    assert classify(status, code, message, had_token=had_token) is outcome


def bases_of(**overrides):
    return facts(example_model("acme/child", **overrides)).base_models


def test_bases_come_from_the_hubs_own_list_first():
    listed = {"relation": "quantized", "models": [{"_id": "1", "id": "acme/base"}]}
    assert bases_of(baseModels=listed, tags=["base_model:acme/other"]) == (BaseModelClaim("acme/base", "quantized"),)


def test_bases_come_from_tags_with_their_relation():
    tags = ["base_model:acme/b", "base_model:merge:acme/b", "base_model:acme/a", "base_model:merge:acme/a"]
    assert bases_of(tags=tags) == (BaseModelClaim("acme/b", "merge"), BaseModelClaim("acme/a", "merge"))


def test_the_card_is_only_asked_where_no_tag_names_a_base():
    card = {"base_model": ["acme/old-name"], "base_model_relation": "adapter"}
    assert bases_of(cardData=card) == (BaseModelClaim("acme/old-name", "adapter"),)
    assert bases_of(cardData=card, tags=["base_model:acme/new-name"]) == (BaseModelClaim("acme/new-name"),)


@pytest.mark.parametrize(
    "base", ["/root/models/llama", "./llama", "acme/child", "ACME/Child", "C:\\llama", "a/b/c", "", "x" * 500]
)
def test_local_paths_and_the_model_itself_are_no_bases(base):
    tags = [f"base_model:{base}", f"base_model:adapter:{base}"]
    assert bases_of(tags=tags, cardData={"base_model": base}) == ()


@pytest.mark.parametrize(
    ("card", "tags", "licence"),
    [
        ({"license": "mit"}, [], "mit"),
        ({"license": ["mit", "apache-2.0"]}, [], "mit, apache-2.0"),
        ({"license": "other", "license_name": "acme-1"}, [], "other: acme-1"),
        ({"license": "other"}, [], "other"),
        ({}, ["license:llama3"], "llama3"),
        (None, None, ""),
        ({"license": 5}, ["license:mit"], "mit"),
        ({"license": "x" * 1000}, [], "x" * 200),
    ],
)
def test_a_licence_is_kept_as_claimed(card, tags, licence):
    assert facts(example_model("acme/bert", cardData=card, tags=tags)).licence == licence


def test_an_answer_needs_to_say_no_more_than_who_it_is():
    found = facts({"_id": "65ab", "id": "acme/bert"})
    assert (found.stable_id, found.name, found.revision) == ("65ab", "acme/bert", "")
    assert (found.files, found.tags, found.base_models, found.created_at) == ((), (), (), None)


@pytest.mark.parametrize(
    "document", [{}, [], None, "x", {"id": "acme/bert"}, {"_id": "1", "id": "../x"}, {"_id": 1, "id": 2}]
)
def test_an_answer_that_does_not_say_who_it_is_is_malformed(document):
    with pytest.raises(MalformedAnswerError):
        facts(document)


def test_what_no_database_can_hold_is_left_out():
    tags = ["a\x00b", "\ud800c", 5, None, ["x"], ""]
    found = facts(example_model("acme/bert", tags=tags, downloads=2**70, likes=True, author="a\x00"))
    assert found.tags == ("ab", "c")
    assert (found.downloads, found.likes, found.author) == (None, None, "a")


def test_files_are_in_order_whatever_order_they_came_in():
    siblings = [example_file("b"), {"rfilename": 5}, "x", None, example_file("a"), {"rfilename": "c", "lfs": "x"}]
    assert [file.path for file in facts(example_model("acme/bert", siblings=siblings)).files] == ["a", "b", "c"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(overrides=st.dictionaries(st.sampled_from([*example_model("acme/bert"), "baseModels"]), JSON))
def test_values_of_any_type_are_survived(overrides):
    try:
        facts(example_model("acme/bert", **overrides))
    except MalformedAnswerError:
        assert overrides.keys() & {"_id", "id"}


# --- Recorded answers of the live Hub ------------------------------------------------------------------------------


@pytest.fixture
def recorded(hub):
    if not RECORDINGS.is_dir():
        pytest.skip("the recorded answers of the Hub are not on this machine (../shared/data/hubs/huggingface)")
    return hub.replay(RECORDINGS)


def test_every_recorded_answer_is_understood(hub, recorded):
    answers = {}
    for name in recorded:
        answers[name] = HUB.ask(model(name))
    followed = {"meta-llama/Meta-Llama-3.1-8B-Instruct", "bert-base-uncased", "t5-small"}
    assert followed < set(recorded)
    for name, answer in answers.items():
        assert answer.outcome in WITH_FACTS, name
        assert (answer.outcome is Outcome.RENAMED) == (name in followed), name
        assert HUB.is_immutable(answer.facts.revision)
        assert answer.facts.author
        assert answer.facts.tags
        assert answer.facts.files
        assert answer.facts.created_at


def test_renamed_models_keep_their_stable_id_in_recorded_answers(recorded):
    def stable_id(name):
        return HUB.ask(model(name)).facts.stable_id

    assert stable_id("bert-base-uncased") == stable_id("google-bert/bert-base-uncased")
    assert stable_id("t5-small") == stable_id("google-t5/t5-small")
    assert stable_id("gpt2") == stable_id("openai-community/gpt2")
    assert stable_id("meta-llama/Meta-Llama-3.1-8B-Instruct") == stable_id("meta-llama/Llama-3.1-8B-Instruct")
