"""Kaggle: its addresses, and its answers over real HTTP from a stand-in."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.asking import Told
from catalogue.hub import BaseModelClaim, HubFile, Knows, Outcome, Reference, UnreadableReferenceError
from catalogue.hubs.kaggle import HUB, Problem, classify, model_facts, read_listing, read_model, variation_facts
from catalogue.references import read
from tests.stand_ins.kaggle import StandInKaggle, example_model, example_variation
from tests.waiting import IN_TIME

NAME = "acme/bert/pyTorch/base"


def model(name: str = NAME, revision: str = "", file: str = "") -> Reference:
    return Reference("kaggle", name, revision, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.kaggle.com/models/acme/bert", model("acme/bert")),
        ("kaggle.com/models/acme/bert?rvi=1", model("acme/bert")),
        ("https://www.kaggle.com/models/acme/bert/code", model("acme/bert")),
        ("https://kaggle.com/models/acme/bert/pyTorch/base", model()),
        ("https://www.kaggle.com/models/acme/bert/PyTorch/1.1-2b_it/", model("acme/bert/PyTorch/1.1-2b_it")),
        ("https://www.kaggle.com/models/acme/bert/pyTorch/base/2", model(revision="2")),
        ("https://www.kaggle.com/models/acme/bert/pyTorch/base/2?select=config.json", model(NAME, "2", "config.json")),
        ("https://www.kaggle.com/models/acme/bert/frameworks/pyTorch/variations/base", model()),
        ("https://www.kaggle.com/models/acme/bert/frameworks/pyTorch/variations/base/versions/2", model(revision="2")),
        ("https://www.kaggle.com/api/v1/models/acme/bert/pyTorch/base/2/download", model(revision="2")),
        ("https://www.kaggle.com/api/v1/models/acme/bert/pyTorch/base/2/download/a/b.bin", model(NAME, "2", "a/b.bin")),
        ("https://www.kaggle.com/api/v1/models/acme/bert/get", model("acme/bert")),
        ("https://www.kaggle.com/api/v1/models/acme/bert/pyTorch/base/get", model()),
        ("kaggle://acme/bert/pyTorch/base", model()),
        ("kaggle://acme/bert/pyTorch/base/2", model(revision="2")),
        ("acme/bert/pyTorch/base/2", model(revision="2")),
    ],
)
def test_reads_what_people_paste(text, expected):
    assert HUB.read(text) == expected
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://www.kaggle.com/datasets/acme/squad", "a dataset on Kaggle, not a model"),
        ("https://www.kaggle.com/code/acme/notebook", "a notebook"),
        ("https://www.kaggle.com/competitions/titanic", "a competition"),
        ("https://www.kaggle.com/organizations/acme", "the page of an organisation"),
        ("https://www.kaggle.com/m/3301", "short address"),
        ("https://www.kaggle.com", "a page of Kaggle"),
        ("https://www.kaggle.com/models", "a page of Kaggle"),
        ("https://www.kaggle.com/models/acme", "a page of Kaggle"),
        ("https://www.kaggle.com/somebody", "a page of Kaggle"),
        ("https://www.kaggle.com/models/acme/bert/pyTorch", "not a name"),
        ("https://www.kaggle.com/models/ac%2Fme/bert", "not a name"),
        (f"https://www.kaggle.com/models/acme/{'b' * 71}", "not a name"),
        ("https://www.kaggle.com/models/acme/bert/pyTorch/base/a%20b", "not a version"),
        ("https://www.kaggle.com/models/acme/bert/pyTorch/base/2?select=../x", "not a path"),
        ("kaggle://acme", "not a name"),
        ("kaggle://acme/bert/frameworks/pyTorch", "not a name"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


@pytest.mark.parametrize(
    "text",
    [
        *("acme/bert", "acme/bert/onnx/model.onnx", "acme/bert/pyTorch/base/model.bin", "acme/bert/main/a/2"),
        *("https://huggingface.co/acme/bert", "https://kaggle.com.example.org/models/acme/bert", "hf://acme/bert"),
    ],
)
def test_leaves_other_hubs_alone(text):
    assert HUB.read(text) is None


def test_links_to_the_version_the_variation_or_the_model():
    page = "https://www.kaggle.com/models/acme/bert"
    assert HUB.url(model("acme/bert")) == page
    assert HUB.url(model()) == f"{page}/pyTorch/base"
    assert HUB.url(model(NAME, "2", "a.bin")) == f"{page}/pyTorch/base/2"


def test_package_urls_carry_a_version_number():
    end = "?repository_url=https:%2F%2Fwww.kaggle.com"
    assert HUB.purl(model("acme/bert")) == f"pkg:generic/kaggle/acme/bert{end}"
    assert HUB.purl(model("acme/bert", "2")) == ""
    assert HUB.purl(model(NAME, "2", "a/b.bin")) == f"pkg:generic/kaggle/{NAME}@2{end}#a/b.bin"
    assert read(HUB.purl(model(NAME, "2", "a/b.bin"))) == model(NAME, "2", "a/b.bin")


@pytest.mark.parametrize(
    ("revision", "immutable"), [("1", True), ("27", True), ("0", False), ("01", False), ("v1", False)]
)
def test_a_version_number_is_immutable(revision, immutable):
    assert HUB.is_immutable(revision) == immutable


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"kaggle": ""}
    documents = {NAME: example_variation(NAME), "acme/bert": example_model("acme/bert")}
    with StandInKaggle(documents) as stand_in:
        settings.HUB_ENDPOINTS = {"kaggle": stand_in.url}
        yield stand_in


def test_keeps_what_the_hub_says_of_a_variation(hub):
    answer = HUB.ask(model())
    assert (answer.outcome, answer.detail, answer.endpoint) == (Outcome.OK, "", hub.url)
    assert b"versionNumber" in answer.body
    found = answer.facts
    assert found.stable_id == f"variation/{hub.documents[NAME]['id']}"
    assert (found.name, found.revision, found.author) == (NAME, "3", "acme")
    assert (found.licence, found.library) == ("Apache 2.0", "pyTorch")
    assert found.files == (HubFile("config.json", 700), HubFile("model.pt", 5_000_000_000))
    assert found.files_complete
    assert [path for _, path in hub.requests] == [
        f"/api/v1/models/{NAME}/get",
        f"/api/v1/models/{NAME}/3/files?pageSize=1000",
    ]


def test_keeps_what_the_hub_says_of_a_model_in_one_call(hub):
    found = HUB.ask(model("acme/bert")).facts
    assert found.stable_id == f"model/{hub.documents['acme/bert']['id']}"
    assert (found.name, found.revision, found.author, found.likes) == ("acme/bert", "", "Acme", 12)
    assert (found.licence, found.tags) == ("Apache 2.0, Gemma", ("nlp",))
    assert (found.files, found.files_complete) == ((), False)
    assert found.created_at == datetime(2024, 2, 3, 4, 5, 6, 56_666, tzinfo=UTC)
    assert len(hub.requests) == 1


def test_asks_at_the_version_that_was_named(hub):
    assert HUB.ask(model(NAME, "1")).facts.revision == "1"
    assert hub.requests[-1][1] == f"/api/v1/models/{NAME}/1/files?pageSize=1000"


@pytest.mark.parametrize("revision", ["2", "4", "main", "0123456789abcdef0123456789abcdef01234567"])
def test_a_version_that_is_not_there_is_not_a_variation_that_is_not_there(hub, revision):
    answer = HUB.ask(model(NAME, revision))
    assert (answer.outcome, answer.facts) == (Outcome.REVISION_NOT_FOUND, None)


def test_a_model_has_no_versions(hub):
    assert HUB.ask(model("acme/bert", "1")).outcome is Outcome.REVISION_NOT_FOUND


def test_a_listing_with_more_pages_is_never_given_for_a_whole_one(hub):
    hub.list_files(NAME, "3", [{"name": f"{i}.bin"} for i in range(1000)], next_page="more")
    answer = HUB.ask(model())
    assert (answer.outcome, answer.facts.files, answer.facts.files_complete) == (Outcome.OK, (), False)
    assert "incomplete" in answer.detail


@pytest.mark.parametrize("fault", ["private", "missing_with_status_200"])
def test_files_that_are_kept_back_do_not_hide_the_variation(hub, fault):
    hub.files_faults[NAME] = fault
    answer = HUB.ask(model())
    assert (answer.outcome, answer.facts.revision, answer.facts.files_complete) == (Outcome.OK, "3", False)
    assert answer.detail.startswith("files not listed: HTTP")


def test_a_new_name_is_told_from_the_address_in_the_answer(hub):
    hub.documents[NAME]["url"] = "/models/acme-labs/bert/frameworks/pyTorch/variations/base/versions/3"
    answer = HUB.ask(model())
    assert (answer.outcome, answer.facts.name) == (Outcome.RENAMED, "acme-labs/bert/pyTorch/base")


@pytest.mark.parametrize(
    "url", [None, 7, "", "http://[", "https://www.kaggle.com/models/acme", "javascript:/models/a/b/c/d"]
)
def test_an_address_that_names_nothing_is_left_out(hub, url):
    hub.documents[NAME]["url"] = url
    assert HUB.ask(model()).facts.name == NAME


@pytest.mark.parametrize("fault", ["", "missing_with_status_200"])
def test_missing_and_private_look_the_same(hub, fault):
    hub.fail("acme/other", fault)
    answer = HUB.ask(model("acme/other"))
    assert (answer.outcome, answer.facts) == (Outcome.NOT_FOUND_OR_PRIVATE, None)


@pytest.mark.parametrize(
    ("token", "sent"), [("KGAT_0123", "Bearer KGAT_0123"), ("somebody:key", "Basic c29tZWJvZHk6a2V5")]
)
def test_a_token_the_hub_refuses_is_our_trouble_not_the_models(hub, settings, token, sent):
    settings.HUB_TOKENS = {"kaggle": token}
    hub.fail(NAME, "bad_token")
    assert HUB.ask(model()).outcome is Outcome.CREDENTIAL
    assert hub.authorizations == [sent]


@pytest.mark.parametrize(("fault", "seconds"), [("rate_limited", 55), ("rate_limited_with_status_200", None)])
@pytest.mark.parametrize("call", ["faults", "files_faults"])
def test_a_rate_limit_says_how_long_to_wait_if_it_says(hub, call, fault, seconds):
    getattr(hub, call)[NAME] = fault
    answer = HUB.ask(model())
    assert (answer.outcome, answer.retry_after, answer.facts) == (Outcome.RATE_LIMITED, seconds, None)


@pytest.mark.parametrize(
    "fault", ["html", "a_list", "deeply_nested", "truncated", "huge", "inflating", "elsewhere", "in_circles"]
)
@pytest.mark.parametrize("call", ["faults", "files_faults"])
def test_an_answer_that_is_none_is_malformed(hub, call, fault):
    getattr(hub, call)[NAME] = fault
    answer = HUB.ask(model())
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    getattr(hub, call).clear()
    assert HUB.ask(model()).outcome is Outcome.OK


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "forbidden", "failed_with_status_200"])
@pytest.mark.parametrize("call", ["faults", "files_faults"])
def test_trouble_on_the_way_is_transient(hub, call, fault):
    getattr(hub, call)[NAME] = fault
    answer = HUB.ask(model())
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail


@pytest.mark.parametrize("fault", ["slow", "dripping_headers", "dripping_body"])
def test_a_hub_that_takes_its_time_is_left_in_time(hub, settings, fault):
    settings.HUB_TIMEOUT_SECONDS = 0.3
    hub.fail(NAME, fault)
    started = time.monotonic()
    assert HUB.ask(model()).outcome is Outcome.TRANSIENT
    assert time.monotonic() - started < IN_TIME


# --- Meaning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "had_token", "outcome"),
    [
        (200, "", False, Outcome.OK),
        (403, "denied", True, Outcome.NOT_FOUND_OR_PRIVATE),
        (403, "", True, Outcome.TRANSIENT),
        (401, "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (404, "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (503, "", False, Outcome.TRANSIENT),
        (400, "bad", False, Outcome.MALFORMED),
    ],
)
def test_classifies(status, message, had_token, outcome):
    assert classify(Problem(status, message), had_token=had_token) is outcome


@pytest.mark.parametrize("framework", ["pyTorch", "MODEL_FRAMEWORK_PY_TORCH"])
def test_knows_the_variation_another_derives_from(framework):
    base = {"owner": {"slug": "acme"}, "modelSlug": "bert", "instanceSlug": "large", "framework": framework}
    found = variation_facts(example_variation(NAME, baseModelInstanceInformation=base), NAME)
    assert (found.base_models, found.bases_claimed_by) == ((BaseModelClaim("acme/bert/pyTorch/large"),), "hub")
    assert Knows.LINEAGE in HUB.knows


@pytest.mark.parametrize("base", [None, [], {"owner": "acme"}, {"owner": {"slug": "a b"}, "modelSlug": 1}])
def test_a_base_that_names_nothing_is_left_out(base):
    found = variation_facts(example_variation(NAME, baseModelInstanceInformation=base), NAME)
    assert (found.base_models, found.bases_claimed_by) == ((), "")


def test_a_variation_is_not_its_own_base():
    base = {"owner": {"slug": "acme"}, "modelSlug": "bert", "instanceSlug": "base", "framework": "pyTorch"}
    found = variation_facts(example_variation(NAME, baseModelInstanceInformation=base), NAME)
    assert (found.base_models, found.bases_claimed_by) == ((), "")


def test_drops_what_has_the_wrong_type():
    found = model_facts(
        {"id": "7", "ref": None, "instances": {}, "tags": [1], "voteCount": -1, "updateTime": "now"}, "a/b"
    )
    assert (found.stable_id, found.name, found.licence, found.tags, found.likes) == ("model/7", "a/b", "", (), None)
    assert found.modified_at is None


KEYS = ["id", "ref", "code", "message", "error", "url", "versionNumber", "files", "name", "size", "tags", "instances"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(document=JSON, status=st.sampled_from([200, 403, 404, 500]))
def test_any_json_at_all_is_an_answer(document, status):
    told = Told(status, {}, json.dumps(document).encode())
    for name in ("acme/bert", NAME):
        read_model(told, reference=model(name), had_token=False, endpoint="")
    good = Told(200, {}, json.dumps(example_variation(NAME)).encode())
    answer = read_model(good, reference=model(), had_token=False, endpoint="")
    read_listing(answer, told, revision="", had_token=False)
