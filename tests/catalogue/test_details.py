"""What the Hugging Face Hub says beyond a model's facts, from a stand-in hub: each question may fail alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import huggingface_details as reading
from catalogue.filesafety.findings import HubStatus
from catalogue.filesafety.verdicts import read_file_verdicts
from catalogue.hub import HubFile, Inspectable, NotNowError, Organisation, Outcome, Reference
from catalogue.hubs.huggingface import HUB
from tests.stand_ins.huggingface import SCANNERS, StandInHub, digits, example_file, example_model, example_verdict

NAME = "acme/llama-7b"
DATASETS = ["acme/corpus", "acme/gone"]
# The kinds of questions, and the fields that come from each.
FIELDS = {
    "expand": ("children",),
    "state": ("scans_done", "flagged", "config"),
    "organizations": ("organisation",),
    "discussions": ("discussions",),
    "commits": ("commits_since",),
    "paths-info": ("scans",),
    "resolve": ("card_text",),
    "datasets": ("datasets_found",),
}


def always():
    return True


def a_model(**overrides):
    files = [example_file(path, is_large=True) for path in ("README.md", "pytorch_model.bin", "evil.pkl", "model.py")]
    tags = [f"dataset:{name}" for name in DATASETS]
    return example_model(NAME, siblings=files, tags=tags, **overrides)


@pytest.fixture
def hub(settings):
    with StandInHub([a_model()]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        hub.children[NAME] = {"adapter": 3, "finetune": 10, "merge": 0, "quantized": 7}
        hub.organisations["acme"] = {"isVerified": True, "numUsers": 12}
        hub.discussions[NAME] = 5
        hub.datasets.add("acme/corpus")
        hub.contents[NAME, "README.md"] = "---\nlicense: mit\n---\n# Llama\nTrained\x00 on ü.\n".encode()
        scanner = {"status": "unsafe", "pickleImports": [{"module": "os", "name": "system", "safety": "dangerous"}]}
        hub.verdicts[NAME, "evil.pkl"] = example_verdict("unsafe", pickleImportScan=scanner)
        hub.first = hub.models[NAME][0]["sha"]
        hub.move_on(NAME)
        hub.move_on(NAME)
        yield hub


def inspect(hub, reported="", may_ask=always, facts=None):
    facts = facts or HUB.ask(Reference("huggingface", NAME)).facts
    hub.requests.clear()
    return HUB.inspect(Reference("huggingface", NAME, reported), facts, may_ask)


def known(details):
    return {field for fields in FIELDS.values() for field in fields if getattr(details, field) not in (None, (), {})}


def test_everything_the_hub_says(hub):
    details = inspect(hub, hub.first)
    assert details.children == {"adapter": 3, "finetune": 10, "merge": 0, "quantized": 7}
    assert details.organisation == Organisation("acme", "organisation", verified=True, members=12)
    assert (details.discussions, details.commits_since, details.since) == (5, 2, hub.first)
    assert details.scans_done is True
    assert details.flagged == ({"path": "evil.pkl", "level": "unsafe"},)
    assert details.card_text == "---\nlicense: mit\n---\n# Llama\nTrained on ü.\n"
    assert details.datasets_found == {"acme/corpus": True, "acme/gone": False}
    assert details.config["model_type"] == "llama"
    assert (details.missing, details.heard.outcome) == ((), Outcome.OK)


def test_no_scanner_is_dropped(hub):
    verdicts = read_file_verdicts(list(inspect(hub).scans))
    assert set(verdicts) == {"README.md", "pytorch_model.bin", "evil.pkl", "model.py"}
    by_scanner = {verdict.scanner: verdict for verdict in verdicts["evil.pkl"]}
    assert set(by_scanner) == {"", *(name.removesuffix("Scan") for name in SCANNERS)}
    assert by_scanner["pickleImport"].status is HubStatus.UNSAFE
    assert (by_scanner["pickleImport"].globals[0].module, by_scanner["virusTotal"].status) == ("os", "unsafe")


def test_costs_at_most_nine_calls_with_two_datasets(hub):
    inspect(hub, hub.first)
    assert hub.questions() == [*FIELDS, "datasets"]
    hub.models[NAME][-1]["tags"] = []
    inspect(hub)
    assert len(hub.requests) == 6


def test_files_are_asked_about_in_one_post_at_the_commit_the_facts_are_of(hub):
    inspect(hub)
    current = hub.models[NAME][-1]["sha"]
    assert ("POST", f"/api/models/{NAME}/paths-info/{current}") in hub.requests
    assert ("GET", f"/{NAME}/resolve/{current}/README.md") in hub.requests


@pytest.mark.parametrize("question", FIELDS)
@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "truncated", "a_list", "html", "elsewhere"])
def test_one_question_that_fails_leaves_its_field_unknown_and_the_rest_stands(hub, question, fault):
    everything = known(inspect(hub, hub.first))
    hub.fail_question(question, fault)
    details = inspect(hub, hub.first)
    lost = everything - known(details)
    assert lost <= set(FIELDS[question])
    assert details.heard.outcome is Outcome.OK
    if fault in {"unavailable", "hang_up", "truncated", "elsewhere"}:
        assert lost == set(FIELDS[question])
        assert details.missing


def test_a_hub_that_is_down_is_not_asked_to_the_end(hub):
    facts = HUB.ask(Reference("huggingface", NAME)).facts
    for question in FIELDS:
        hub.fail_question(question, "unavailable")
    details = inspect(hub, facts=facts)
    assert len(hub.requests) == 2
    assert (known(details), details.heard.outcome) == (set(), Outcome.TRANSIENT)


def test_a_gated_model_keeps_its_commits_and_card_to_itself(hub):
    for commit in hub.models[NAME]:
        commit["gated"] = "manual"
    details = inspect(hub, hub.first)
    assert (details.commits_since, details.card_text) == (None, None)
    assert details.discussions == 5
    # It will not be another answer tomorrow.
    assert details.missing == ()


def test_a_user_is_not_an_organisation_and_keeps_the_name_to_themselves(hub):
    hub.organisations.clear()
    hub.users.add("acme")
    details = inspect(hub)
    assert details.organisation == Organisation("acme", "user")
    assert "Somebody" not in repr(details)
    hub.users.clear()
    assert inspect(hub).organisation is None


def test_a_name_that_leads_to_another_model_tells_nothing(hub):
    facts = HUB.ask(Reference("huggingface", NAME)).facts
    hub.models[NAME][-1]["_id"] = "f" * 24
    details = inspect(hub, facts=facts)
    assert (known(details), details.heard.outcome) == (set(), Outcome.MOVED_TO_OTHER_MODEL)


@pytest.mark.parametrize("calls", range(8))
def test_stops_before_the_call_the_budget_does_not_cover(hub, calls):
    left = iter([True] * calls + [False])
    with pytest.raises(NotNowError) as caught:
        inspect(hub, hub.first, lambda: next(left))
    assert len(hub.requests) == calls
    assert (caught.value.answer is None) == (calls == 0)
    assert calls == 0 or caught.value.answer.quota.calls > 0


@pytest.mark.parametrize("question", FIELDS)
def test_a_rate_limit_stops_at_once(hub, question):
    hub.fail_question(question, "rate_limited")
    with pytest.raises(NotNowError) as caught:
        inspect(hub, hub.first)
    assert hub.questions()[-1] == question
    assert (caught.value.answer.outcome, caught.value.answer.retry_after) == (Outcome.RATE_LIMITED, 55)


def test_the_quota_of_downloads_is_not_taken_for_that_of_the_api(hub):
    hub.models[NAME][-1]["tags"] = []
    details = inspect(hub)
    assert hub.questions()[-1] == "resolve"
    assert details.heard.quota.calls == 500 - 1 - 5


def test_commits_before_the_reported_one_are_unknown_and_none_after_the_current_cost_nothing(hub):
    assert inspect(hub, digits("elsewhere", 40)).commits_since is None
    assert inspect(hub, hub.models[NAME][-1]["sha"]).commits_since == 0
    assert "commits" not in hub.questions()


def test_a_long_card_is_cut(hub):
    hub.contents[NAME, "README.md"] = ("ü" * 400_000).encode()
    assert inspect(hub).card_text == "ü" * reading.MOST_CARD
    hub.contents[NAME, "README.md"] = b"x" * 9_000_000
    details = inspect(hub)
    assert details.card_text is None
    assert details.scans is not None


def test_a_model_without_a_card_is_not_asked_for_one(hub):
    hub.models[NAME][-1]["siblings"] = [example_file("model.safetensors")]
    inspect(hub)
    assert "resolve" not in hub.questions()


def test_the_token_goes_with_each_question(hub, settings):
    settings.HUB_TOKENS = {"huggingface": "hf_secret"}
    hub.tokens.add("hf_secret")
    inspect(hub)
    assert set(hub.authorizations) == {"Bearer hf_secret"}
    assert HUB.address(Reference("huggingface", NAME, "", "a b.bin")).headers["authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in repr(HUB.address(Reference("huggingface", NAME, "", "a b.bin")))


def test_files_are_found_where_they_are(hub):
    file = Reference("huggingface", NAME, "refs/pr/3", "a b/c#.bin")
    assert HUB.address(file).url == f"{hub.url}/{NAME}/resolve/refs%2Fpr%2F3/a%20b/c%23.bin"
    assert isinstance(HUB, Inspectable)


def test_paths_that_can_run_code_are_asked_about_first():
    files = [HubFile(f"data/{number:04}.json") for number in range(3000)]
    files += [HubFile("z.py"), HubFile("z.bin"), HubFile("notes.txt")]
    paths = reading.paths_to_ask_about(files, [{"path": "notes.txt"}])
    assert paths[:3] == ["notes.txt", "z.bin", "z.py"]
    assert len(paths) == reading.MOST_PATHS


def test_no_derived_models_is_a_number_and_no_answer_is_not():
    assert reading.children({"childrenModelCount": {}}) == {}
    assert reading.children({"childrenModelCount": None}) is None
    assert reading.children({"childrenModelCount": {"adapter": "many", "merge": 2}}) == {"merge": 2}


KEYS = (
    *("_id", "childrenModelCount", "count", "securityRepoStatus", "filesWithIssues", "path", "id", "config"),
    *("securityFileStatus", "scansDone", "isVerified", "numUsers", "name", "gguf", "chat_template"),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(anything)
def test_no_answer_raises_or_brings_what_cannot_be_stored(document):
    found = [
        reading.stable_id(document),
        reading.children(document),
        reading.organisation(document, "acme", "organisation"),
        reading.discussions(document),
        reading.commits_after(document, "a"),
        reading.scans_done(document),
        reading.flagged(document),
        reading.scans(document),
        reading.config(document),
        reading.chat_template(document),
    ]
    assert "\\x00" not in repr([*found[6:8], reading.storable(document)])
