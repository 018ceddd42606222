"""ModelScope: its addresses, and its answers over real HTTP from a stand-in."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.asking import Told
from catalogue.hub import HubFile, Knows, Outcome, Reference, UnreadableReferenceError
from catalogue.hubs.modelscope import HUB, MOST_ENTRIES, classify, facts, listing, read_listing, read_model
from catalogue.json_values import MalformedAnswerError
from tests.stand_ins.modelscope import StandInModelScope, digits, example_file, example_model
from tests.waiting import IN_TIME

SHA = "0123456789abcdef0123456789abcdef01234567"
COMMIT = digits("acme/bert 1", 40)


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("modelscope", name, revision, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://modelscope.cn/models/acme/bert", model("acme/bert")),
        ("http://www.modelscope.cn/models/Acme/BERT-1.5_B/", model("Acme/BERT-1.5_B")),
        ("modelscope.cn/models/acme/bert", model("acme/bert")),
        ("//modelscope.cn/models/acme/bert", model("acme/bert")),
        ("https://modelscope.cn/models/acme/bert/summary", model("acme/bert")),
        ("https://modelscope.cn/models/acme/bert/feedback?x=1#y", model("acme/bert")),
        ("https://modelscope.cn/models/acme/bert/files", model("acme/bert")),
        ("https://modelscope.cn/models/acme/bert/files?version=v2.1.0", model("acme/bert", "v2.1.0")),
        ("https://modelscope.cn/models/acme/bert/tree/master", model("acme/bert", "master")),
        (
            "https://modelscope.cn/models/acme/bert/file/view/master/a%20b/c.json",
            model("acme/bert", "master", "a b/c.json"),
        ),
        (
            "https://modelscope.cn/models/acme/bert/file/view/master?fileName=a%2Fc.json&status=1",
            model("acme/bert", "master", "a/c.json"),
        ),
        (f"https://modelscope.cn/models/acme/bert/resolve/{SHA.upper()}/c.bin", model("acme/bert", SHA, "c.bin")),
        ("https://www.modelscope.cn/acme/bert.git", model("acme/bert")),
        ("https://oauth2:secret@www.modelscope.cn/models/acme/bert.git", model("acme/bert")),
        (
            "https://modelscope.cn/api/v1/models/acme/bert/repo?Revision=v1&FilePath=a/c.json",
            model("acme/bert", "v1", "a/c.json"),
        ),
        ("https://modelscope.cn/api/v1/models/acme/bert/repo/files?Revision=v1", model("acme/bert", "v1")),
        ("https://modelscope.cn/openapi/v1/models/acme/bert", model("acme/bert")),
    ],
)
def test_reads_the_addresses_people_paste(text, expected):
    assert HUB.read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://modelscope.cn/datasets/acme/squad", "a dataset on ModelScope, not a model"),
        ("https://www.modelscope.cn/datasets/acme/squad.git", "a dataset"),
        ("https://modelscope.cn/studios/acme/demo", "a studio"),
        ("https://modelscope.cn/organization/acme", "the page of an organisation"),
        ("https://modelscope.cn/profile/somebody", "the page of a user"),
        ("https://modelscope.cn", "a page of ModelScope"),
        ("https://modelscope.cn/models", "not a name"),
        ("https://modelscope.cn/home/overview", "a page of ModelScope"),
        ("https://modelscope.ai/models/acme/bert", "another catalogue"),
        ("https://modelscope.cn/models/acme", "not a name"),
        ("https://modelscope.cn/models/acme/..", "not a name"),
        ("https://modelscope.cn/models/ac%2Fme/bert", "not a name"),
        (f"https://modelscope.cn/models/acme/{'b' * 101}", "not a name"),
        ("https://modelscope.cn/models/acme/bert/tree/%00", "not a revision"),
        (f"https://modelscope.cn/models/acme/bert/tree/{'r' * 201}", "not a revision"),
        ("https://modelscope.cn/models/acme/bert/resolve/master/../x", "not a path"),
        ("https://modelscope.cn/models/acme/bert/resolve/master/a%0Ab", "not a path"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_model(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "acme/bert",
        "https://huggingface.co/acme/bert",
        "https://github.com/acme/bert",
        "https://modelscope.cn.example.org/a/b",
    ],
)
def test_leaves_other_hubs_alone(text):
    assert HUB.read(text) is None


def test_links_to_the_file_the_revision_or_the_repository():
    page = "https://modelscope.cn/models/acme/bert"
    assert HUB.url(model("acme/bert")) == page
    assert HUB.url(model("acme/bert", "a b")) == f"{page}/files?version=a+b"
    assert HUB.url(model("acme/bert", "v1", "a b.bin")) == f"{page}/file/view/v1/a%20b.bin"
    assert HUB.url(model("acme/bert", file="a.bin")) == f"{page}/file/view/master/a.bin"


def test_package_urls_carry_a_version_only_where_it_cannot_move():
    start = "pkg:generic/modelscope/Acme/bert"
    end = "?repository_url=https:%2F%2Fmodelscope.cn"
    assert HUB.purl(model("Acme/bert", "master")) == start + end
    assert HUB.purl(model("Acme/bert", SHA.upper(), "a/b.bin")) == f"{start}@{SHA}{end}#a/b.bin"


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"modelscope": ""}
    with StandInModelScope([example_model("acme/bert")]) as stand_in:
        settings.HUB_ENDPOINTS = {"modelscope": stand_in.url}
        yield stand_in


def test_keeps_what_the_hub_says(hub):
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.detail, answer.endpoint) == (Outcome.OK, "", hub.url)
    assert b"Apache" in answer.body
    found = answer.facts
    assert (found.stable_id, found.name, found.revision) == ("name:acme/bert", "acme/bert", COMMIT)
    assert (found.author, found.licence, found.library) == ("acme", "Apache License 2.0", "transformers")
    assert (found.downloads, found.likes, found.pipeline) == (None, 12, "text-generation")
    assert found.created_at == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.files_complete
    assert found.files == (
        HubFile("config.json", 700, digits("config.json", 64)),
        HubFile("weights/model.safetensors", 5_000_000_000, digits("weights/model.safetensors", 64)),
    )


def test_does_not_claim_to_know_an_identity_that_survives_renames():
    assert Knows.IDENTITY not in HUB.knows
    assert facts({"data": {"id": "Acme/Bert"}}).stable_id == facts({"data": {"id": "acme/bert"}}).stable_id
    assert len(facts({"data": {"id": f"{'a' * 100}/{'b' * 100}"}}).stable_id) <= 100


def test_asks_twice_and_for_the_default_branch(hub):
    HUB.ask(model("acme/bert"))
    assert [path for _, path in hub.requests] == [
        "/openapi/v1/models/acme/bert",
        "/api/v1/models/acme/bert/repo/files?Revision=master&Recursive=True",
    ]


def test_asks_at_the_revision_that_was_named(hub):
    assert HUB.ask(model("acme/bert", COMMIT.upper())).facts.revision == COMMIT
    assert f"Revision={COMMIT}&" in hub.requests[-1][1]


@pytest.mark.parametrize("revision", ["gone", SHA])
def test_a_revision_that_is_not_there_is_not_a_model_that_is_not_there(hub, revision):
    answer = HUB.ask(model("acme/bert", revision))
    assert (answer.outcome, answer.facts) == (Outcome.REVISION_NOT_FOUND, None)


def test_a_model_without_files_is_a_model(hub):
    hub.listings.clear()
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.files, answer.facts.files_complete) == (Outcome.OK, (), False)
    assert answer.detail == "no files on master"


@pytest.mark.parametrize(("entries", "is_whole"), [(MOST_ENTRIES - 2, True), (MOST_ENTRIES - 1, False)])
def test_a_listing_that_may_be_cut_is_never_given_for_a_whole_one(hub, entries, is_whole):
    hub.list_files("acme/bert", "master", [example_file(f"{i}.bin", commit=COMMIT) for i in range(entries)], COMMIT)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.revision) == (Outcome.OK, COMMIT)
    assert answer.facts.files_complete == is_whole
    assert len(answer.facts.files) == (entries if is_whole else 0)
    assert ("incomplete" in answer.detail) == (not is_whole)


def test_a_commit_that_cannot_be_told_is_not_guessed(hub):
    hub.list_files("acme/bert", "master", [example_file("a.bin")], COMMIT)
    assert HUB.ask(model("acme/bert")).facts.revision == ""


def test_follows_a_rename_and_says_so(hub):
    hub.add(example_model("acme-labs/bert-2"))
    hub.renamed["acme/bert"] = "acme-labs/bert-2"
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.name) == (Outcome.RENAMED, "acme-labs/bert-2")
    assert "/acme-labs/bert-2/repo/files" in hub.requests[-1][1]


@pytest.mark.parametrize(
    ("said", "gated"), [({"gated": True}, "manual"), ({"login_required": True}, "auto"), ({"gated": "yes"}, "")]
)
def test_a_gated_model_still_has_facts(hub, said, gated):
    hub.add(example_model("acme/gated", **said))
    answer = HUB.ask(model("acme/gated"))
    assert (answer.outcome, answer.facts.gated) == (Outcome.GATED if gated else Outcome.OK, gated)


def test_files_that_are_kept_back_do_not_hide_the_model(hub):
    hub.files_faults["acme/bert"] = "refused_the_old_way"
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.files, answer.facts.files_complete) == (Outcome.OK, (), False)
    assert answer.detail == "files not listed: HTTP 403 10010205001 log in first"


@pytest.mark.parametrize("fault", ["", "not_allowed"])
def test_missing_and_private_look_the_same(hub, fault):
    hub.fail("acme/other", fault)
    answer = HUB.ask(model("acme/other"))
    assert (answer.outcome, answer.facts) == (Outcome.NOT_FOUND_OR_PRIVATE, None)
    assert answer.detail.startswith("HTTP 40")


def test_a_token_the_hub_refuses_is_our_trouble_not_the_models(hub, settings):
    hub.fail("acme/bert", "bad_token")
    assert HUB.ask(model("acme/bert")).outcome is Outcome.NOT_FOUND_OR_PRIVATE
    settings.HUB_TOKENS = {"modelscope": "ms-revoked"}
    assert HUB.ask(model("acme/bert")).outcome is Outcome.CREDENTIAL
    assert hub.authorizations == [None, "Bearer ms-revoked"]


@pytest.mark.parametrize(("fault", "seconds"), [("rate_limited", 55), ("quota_used_up_with_status_200", None)])
def test_a_rate_limit_says_how_long_to_wait_if_it_says(hub, fault, seconds):
    hub.fail("acme/bert", fault)
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.retry_after, answer.facts) == (Outcome.RATE_LIMITED, seconds, None)


def test_a_rate_limit_on_the_files_is_one_on_the_question(hub):
    hub.files_faults["acme/bert"] = "rate_limited"
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.retry_after, answer.facts) == (Outcome.RATE_LIMITED, 55, None)


BROKEN = [
    "html",
    "a_list",
    "deeply_nested",
    "truncated",
    "huge",
    "inflating",
    "elsewhere",
    "in_circles",
    "without_data",
]


@pytest.mark.parametrize("fault", [*BROKEN, "failed_with_status_200"])
@pytest.mark.parametrize("call", ["faults", "files_faults"])
def test_an_answer_that_is_none_is_malformed(hub, call, fault):
    getattr(hub, call)["acme/bert"] = fault
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    assert "\n" not in answer.detail
    getattr(hub, call).clear()
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "forbidden"])
@pytest.mark.parametrize("call", ["faults", "files_faults"])
def test_trouble_on_the_way_is_transient(hub, call, fault):
    getattr(hub, call)["acme/bert"] = fault
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail


@pytest.mark.parametrize("fault", ["slow", "dripping_headers", "dripping_body"])
def test_a_hub_that_takes_its_time_is_left_in_time(hub, settings, fault):
    settings.HUB_TIMEOUT_SECONDS = 0.3
    hub.fail("acme/bert", fault)
    started = time.monotonic()
    assert HUB.ask(model("acme/bert")).outcome is Outcome.TRANSIENT
    assert time.monotonic() - started < IN_TIME


def test_carries_no_cookies_and_uses_no_proxy(hub, monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    for _ in range(2):
        assert HUB.ask(model("acme/bert")).outcome is Outcome.OK
    assert set(hub.cookies) == {None}


def test_many_threads_may_ask_at_once(hub):
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda _: HUB.ask(model("acme/bert")).outcome, range(20)))
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
    ("status", "code", "had_token", "outcome"),
    [
        (200, "", False, Outcome.OK),
        (404, "ResourceNotFound", True, Outcome.NOT_FOUND_OR_PRIVATE),
        (404, "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (400, "RateLimitExceed", False, Outcome.RATE_LIMITED),
        (429, "", False, Outcome.RATE_LIMITED),
        (401, "", True, Outcome.CREDENTIAL),
        (401, "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (403, "", True, Outcome.TRANSIENT),
        (451, "", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (500, "Whatever", False, Outcome.TRANSIENT),
        (400, "", False, Outcome.MALFORMED),
        (204, "", False, Outcome.MALFORMED),
    ],
)
def test_classifies(status, code, had_token, outcome):
    assert classify(status, code, had_token=had_token) is outcome


def test_drops_what_has_the_wrong_type_and_what_no_database_can_hold():
    found = facts(
        {
            "data": {
                "id": "acme/bert\x00",
                "license": ["mit\x00", None, "x" * 300],
                "tags": "one\ud800",
                "tasks": {"a": 1},
                "likes": True,
                "private": "yes",
                "created_at": 1_706_933_106_000,
                "last_modified": "0001-01-01T00:00:00Z",
            }
        }
    )
    assert (found.name, found.tags, found.pipeline, found.likes, found.private) == (
        "acme/bert",
        ("one",),
        "",
        None,
        False,
    )
    assert found.licence.startswith("mit, x")
    assert len(found.licence) <= 200
    assert found.created_at == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.modified_at is None


def test_a_listing_drops_entries_that_are_none():
    entries = [None, {"Path": 1}, {"Path": "x" * 1001}, {"Path": "a", "Size": -1, "Sha256": "short"}]
    assert listing({"Data": {"Files": entries}}).files == (HubFile("a"),)
    for answer in ({}, {"Data": []}, {"Data": {}}, {"Data": {"Files": {}}}):
        with pytest.raises(MalformedAnswerError):
            listing(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "Data",
                    "id",
                    "Files",
                    "Path",
                    "Size",
                    "code",
                    "success",
                    "tags",
                    "created_at",
                    "LatestCommitter",
                    "error",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(document=JSON, status=st.sampled_from([200, 403, 404, 500]))
def test_any_json_at_all_is_an_answer(document, status):
    told = Told(status, {}, json.dumps(document).encode())
    read_model(told, name="acme/bert", had_token=False, endpoint="")
    good = Told(200, {}, json.dumps({"data": example_model("acme/bert")}).encode())
    answer = read_model(good, name="acme/bert", had_token=False, endpoint="")
    read_listing(answer, told, revision="", had_token=False)
