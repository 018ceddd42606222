"""GitHub: its addresses, and its answers over real HTTP from a stand-in."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.asking import Told
from catalogue.hub import Outcome, Reference, UnreadableReferenceError
from catalogue.hubs.github import HUB, SECONDARY_LIMIT_SECONDS, classify, facts, read_commit, read_repository
from catalogue.references import read
from tests.stand_ins.github import StandInGitHub, digits, example_repository
from tests.waiting import IN_TIME

SHA = "0123456789abcdef0123456789abcdef01234567"
COMMIT = digits("acme/bert 1", 40)


def model(name: str, revision: str = "", file: str = "") -> Reference:
    return Reference("github", name, revision, file)


# --- Addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/acme/bert", model("acme/bert")),
        ("http://www.github.com/Acme/BERT.cpp/", model("Acme/BERT.cpp")),
        ("github.com/acme/bert", model("acme/bert")),
        ("//github.com/acme/bert?tab=readme-ov-file#usage", model("acme/bert")),
        ("https://github.com/acme/bert.git", model("acme/bert")),
        ("https://user:token@github.com/acme/bert", model("acme/bert")),
        ("git@github.com:acme/bert.git", model("acme/bert")),
        ("ssh://git@github.com/acme/bert.git", model("acme/bert")),
        ("git+https://github.com/acme/bert.git@v1.0#egg=bert", model("acme/bert", "v1.0")),
        ("git+ssh://git@github.com/acme/bert@feature/one", model("acme/bert", "feature/one")),
        ("https://github.com/acme/bert/tree/main", model("acme/bert", "main")),
        ("https://github.com/acme/bert/tree/v1.0/src", model("acme/bert", "v1.0", "src")),
        ("https://github.com/acme/bert/tree/feature%2Fone/src", model("acme/bert", "feature/one", "src")),
        ("https://github.com/acme/bert/blob/main/a%20b/c.py#L10-L20", model("acme/bert", "main", "a b/c.py")),
        ("https://github.com/acme/bert/blob/refs/heads/main/c.py", model("acme/bert", "main", "c.py")),
        ("https://github.com/acme/bert/raw/main/c.bin", model("acme/bert", "main", "c.bin")),
        (f"https://github.com/acme/bert/commit/{SHA.upper()}", model("acme/bert", SHA)),
        (f"https://github.com/acme/bert/commits/{SHA}/c.py", model("acme/bert", SHA, "c.py")),
        ("https://github.com/acme/bert/releases/tag/v1.0", model("acme/bert", "v1.0")),
        ("https://github.com/acme/bert/releases/download/v1.0/bert.bin", model("acme/bert", "v1.0")),
        ("https://github.com/acme/bert/releases", model("acme/bert")),
        ("https://github.com/acme/bert/archive/refs/tags/v1.0.zip", model("acme/bert", "v1.0")),
        (f"https://github.com/acme/bert/archive/{SHA}.tar.gz", model("acme/bert", SHA)),
        ("https://github.com/acme/bert/issues/12#issuecomment-1", model("acme/bert")),
        ("https://raw.githubusercontent.com/acme/bert/main/a/c.py", model("acme/bert", "main", "a/c.py")),
        ("https://raw.githubusercontent.com/acme/bert/refs/heads/main/c.py", model("acme/bert", "main", "c.py")),
        ("https://media.githubusercontent.com/media/acme/bert/main/c.bin", model("acme/bert", "main", "c.bin")),
        ("https://api.github.com/repos/acme/bert/commits/main", model("acme/bert")),
        ("https://codeload.github.com/acme/bert/zip/refs/heads/main", model("acme/bert", "main")),
    ],
)
def test_reads_the_addresses_people_paste(text, expected):
    assert HUB.read(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://github.com", "a page of GitHub"),
        ("https://github.com/topics/bert", "a page of GitHub"),
        ("https://github.com/orgs/acme/repositories", "a page of GitHub"),
        ("https://github.com/marketplace/models/acme", "a page of GitHub"),
        ("https://github.com/acme", "the page of a user or an organisation"),
        ("https://gist.github.com/acme/0123", "a gist"),
        ("https://github.com/acme/..", "not a name"),
        ("https://github.com/-acme/bert", "not a name"),
        ("https://github.com/ac%2Fme/bert", "not a name"),
        (f"https://github.com/acme/{'b' * 101}", "not a name"),
        ("git@github.com:acme", "the page of a user"),
        ("https://raw.githubusercontent.com/orgs/bert/main/c.py", "not a name"),
        ("https://github.com/acme/bert@/x", "not a revision"),
        ("https://github.com/acme/bert/tree/%00", "not a revision"),
        (f"https://github.com/acme/bert/tree/{'r' * 201}", "not a revision"),
        ("https://github.com/acme/bert/blob/main/../x", "not a path"),
        ("https://github.com/acme/bert/blob/main/a%0Ab", "not a path"),
    ],
)
def test_says_why_an_address_on_the_hub_is_no_repository(text, reason):
    with pytest.raises(UnreadableReferenceError, match=reason):
        HUB.read(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "acme/bert",
            "https://huggingface.co/acme/bert",
            "https://github.com.example.org/a/b",
            "ftp://github.com/a/b",
        ),
        *(
            "https://acme.github.io/bert",
            "https://docs.github.com/en",
            "git@gitlab.com:acme/bert.git",
            "hf://acme/bert",
        ),
    ],
)
def test_leaves_other_places_alone(text):
    assert HUB.read(text) is None


def test_links_to_the_file_the_revision_or_the_repository():
    page = "https://github.com/acme/bert"
    assert HUB.url(model("acme/bert")) == page
    assert HUB.url(model("acme/bert", "feature/one")) == f"{page}/tree/feature%2Fone"
    assert HUB.url(model("acme/bert", SHA, "a b.py")) == f"{page}/blob/{SHA}/a%20b.py"
    assert HUB.url(model("acme/bert", file="a.py")) == f"{page}/blob/HEAD/a.py"


def test_package_urls_are_lower_case_and_carry_a_version_only_where_it_cannot_move():
    assert HUB.purl(model("Acme/BERT", "main")) == "pkg:github/acme/bert"
    assert HUB.purl(model("Acme/BERT", SHA.upper(), "A/b.py")) == f"pkg:github/acme/bert@{SHA}#A/b.py"
    assert read(HUB.purl(model("Acme/BERT", SHA))) == model("acme/bert", SHA)


# --- Asking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(settings):
    settings.HUB_TOKENS = {"github": ""}
    with StandInGitHub([example_repository("acme/bert")]) as stand_in:
        settings.HUB_ENDPOINTS = {"github": stand_in.url}
        yield stand_in


def test_keeps_what_github_says(hub):
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.detail, answer.endpoint) == (Outcome.OK, "", hub.url)
    assert b"full_name" in answer.body
    found = answer.facts
    assert found.stable_id == str(hub.documents["acme/bert"]["id"])
    assert (found.name, found.revision, found.author, found.licence) == ("acme/bert", COMMIT, "acme", "MIT")
    assert (found.downloads, found.likes, found.tags) == (None, 12, ("bert", "nlp"))
    assert found.created_at == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert found.modified_at == datetime(2024, 6, 7, 8, 9, 10, tzinfo=UTC)
    assert (found.files, found.files_complete) == ((), False)


def test_asks_twice_and_says_how_many_questions_are_left(hub):
    answer = HUB.ask(model("acme/bert"))
    assert [path for _, path in hub.requests] == ["/repos/acme/bert", "/repos/acme/bert/commits/HEAD"]
    assert hub.left == 58
    assert answer.quota.calls == 29
    assert 590 < answer.quota.seconds <= 600


@pytest.mark.parametrize("revision", ["main", "feature/one", COMMIT[:7], COMMIT.upper()])
def test_asks_at_the_revision_that_was_named(hub, revision):
    assert HUB.ask(model("acme/bert", revision)).facts.revision == COMMIT


@pytest.mark.parametrize("revision", ["gone", SHA])
def test_a_revision_that_is_not_there_is_not_a_repository_that_is_not_there(hub, revision):
    answer = HUB.ask(model("acme/bert", revision))
    assert (answer.outcome, answer.facts) == (Outcome.REVISION_NOT_FOUND, None)


def test_an_empty_repository_is_one(hub):
    hub.commit_faults["acme/bert"] = "empty"
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts.revision, answer.detail) == (Outcome.OK, "", "the repository is empty")
    assert HUB.ask(model("acme/bert", SHA)).outcome is Outcome.REVISION_NOT_FOUND


@pytest.mark.parametrize("fault", ["another_commit", "not_a_commit"])
def test_an_answer_about_another_revision_is_not_believed(hub, fault):
    hub.commit_faults["acme/bert"] = fault
    assert HUB.ask(model("acme/bert", COMMIT)).outcome is Outcome.MALFORMED


def test_follows_a_rename_and_says_so(hub):
    before = HUB.ask(model("acme/bert")).facts
    hub.rename("acme/bert", "acme-labs/bert-2")
    answer = HUB.ask(model("acme/bert", COMMIT))
    assert (answer.outcome, answer.facts.name) == (Outcome.RENAMED, "acme-labs/bert-2")
    assert (answer.facts.stable_id, answer.facts.revision) == (before.stable_id, COMMIT)


def test_other_letter_case_is_not_a_rename(hub):
    answer = HUB.ask(model("ACME/Bert"))
    assert (answer.outcome, answer.facts.name) == (Outcome.OK, "acme/bert")


def test_a_disabled_repository_still_has_facts(hub):
    hub.add(example_repository("acme/off", disabled=True))
    answer = HUB.ask(model("acme/off"))
    assert (answer.outcome, answer.facts.disabled) == (Outcome.DISABLED, True)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("", "HTTP 404 Not Found"),
        ("taken_down", "HTTP 451 Repository access blocked"),
        ("blocked", "HTTP 403 Repository access blocked"),
    ],
)
def test_missing_private_and_taken_down_are_never_called_deleted(hub, fault, detail):
    hub.fail("acme/other", fault)
    answer = HUB.ask(model("acme/other"))
    assert (answer.outcome, answer.facts, answer.detail) == (Outcome.NOT_FOUND_OR_PRIVATE, None, detail)


@pytest.mark.parametrize("fault", ["bad_token", "token_too_narrow"])
def test_a_token_github_refuses_is_our_trouble_not_the_repositorys(hub, settings, fault):
    settings.HUB_TOKENS = {"github": "ghp_bad"}
    hub.fail("acme/bert", fault)
    assert HUB.ask(model("acme/bert")).outcome is Outcome.CREDENTIAL
    assert hub.authorizations == ["Bearer ghp_bad"]


def test_a_rate_limit_says_how_long_to_wait(hub):
    hub.fail("acme/bert", "rate_limited")
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts, answer.quota.calls) == (Outcome.RATE_LIMITED, None, 0)
    assert 890 < answer.retry_after <= 900
    assert len(hub.requests) == 1


@pytest.mark.parametrize(
    ("fault", "seconds"), [("secondary_limit", 120), ("secondary_limit_without_a_time", SECONDARY_LIMIT_SECONDS)]
)
@pytest.mark.parametrize("call", ["faults", "commit_faults"])
def test_a_secondary_rate_limit_does_not_claim_that_calls_are_left(hub, call, fault, seconds):
    getattr(hub, call)["acme/bert"] = fault
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.retry_after, answer.quota) == (Outcome.RATE_LIMITED, seconds, None)


BROKEN = ["html", "a_list", "truncated", "huge", "inflating", "elsewhere", "in_circles"]


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("call", ["faults", "commit_faults"])
def test_an_answer_that_is_none_is_malformed(hub, call, fault):
    getattr(hub, call)["acme/bert"] = fault
    answer = HUB.ask(model("acme/bert"))
    assert (answer.outcome, answer.facts) == (Outcome.MALFORMED, None)
    assert answer.detail
    getattr(hub, call).clear()
    assert HUB.ask(model("acme/bert")).outcome is Outcome.OK


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "forbidden"])
@pytest.mark.parametrize("call", ["faults", "commit_faults"])
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


# --- Meaning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "message", "had_token", "outcome"),
    [
        (200, {"x-ratelimit-remaining": "0"}, "", False, Outcome.OK),
        (403, {"x-ratelimit-remaining": "0"}, "", False, Outcome.RATE_LIMITED),
        (403, {"retry-after": "9"}, "", False, Outcome.RATE_LIMITED),
        (403, {}, "Forbidden", True, Outcome.CREDENTIAL),
        (403, {}, "", True, Outcome.TRANSIENT),
        (404, {"x-ratelimit-remaining": "0"}, "Not Found", False, Outcome.NOT_FOUND_OR_PRIVATE),
        (401, {}, "Requires authentication", False, Outcome.CREDENTIAL),
        (502, {}, "", False, Outcome.TRANSIENT),
        (408, {}, "", False, Outcome.TRANSIENT),
        (204, {}, "", False, Outcome.MALFORMED),
        (422, {}, "", False, Outcome.MALFORMED),
    ],
)
def test_classifies(status, headers, message, had_token, outcome):
    assert classify(status, headers, message, had_token=had_token) is outcome


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        (None, ""),
        ("mit", ""),
        ({"spdx_id": "Apache-2.0", "name": "Apache License 2.0"}, "Apache-2.0"),
        ({"spdx_id": "NOASSERTION", "name": "Other"}, "Other"),
        ({"spdx_id": None, "name": "x\x00" * 300}, "x" * 200),
    ],
)
def test_reads_a_licence_only_where_github_recognises_one(licence, expected):
    assert facts(example_repository("a/b", license=licence)).licence == expected


def test_drops_what_has_the_wrong_type():
    found = facts(
        example_repository(
            "a/b", owner=[], topics={"x": 1}, stargazers_count="many", disabled="no", created_at=0, pushed_at=[]
        )
    )
    assert (found.author, found.tags, found.likes, found.disabled) == ("", (), None, False)
    assert (found.created_at, found.modified_at) == (None, None)


KEYS = ["id", "full_name", "owner", "license", "topics", "message", "spdx_id", "created_at"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(document=JSON, status=st.sampled_from([200, 403, 404, 422, 500]), header=st.text(max_size=20))
def test_any_json_at_all_is_an_answer(document, status, header):
    headers = {"x-ratelimit-remaining": header, "x-ratelimit-reset": header, "retry-after": header}
    told = Told(status, headers, json.dumps(document).encode())
    read_repository(told, name="acme/bert", had_token=False, endpoint="")
    good = Told(200, {}, json.dumps(example_repository("acme/bert")).encode())
    answer = read_repository(good, name="acme/bert", had_token=False, endpoint="")
    read_commit(answer, told, revision="", had_token=False)
