"""AVID's reports: which become ours, which are refused and why, and which model each is about."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.record import Kind
from incidents.taxonomy import category_codes
from reports.importer import Imported, Refused
from reports.importers import avid
from reports.importers.avid import HUGGING_FACE, IMPORTER, Reason, model_table

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"

TEXT = "A made-up finding that is long enough to be a report of ours."


def document(**changes):
    """A made-up AVID report on gpt-oss-20b, with these top-level parts replaced; None leaves a part out."""
    made = {
        "data_type": "AVID",
        "metadata": {"report_id": "AVID-2031-R0001"},
        "affects": affects("gpt-oss-20b", developer=["OpenAI"]),
        "problemtype": problem("A made-up title"),
        "references": [],
        "description": prose(TEXT),
        "credit": [prose("Ada Example <ada@example.org>")],
        "reported_date": "2031-01-02",
    }
    return {part: value for part, value in (made | changes).items() if value is not None}


def affects(*artifacts, developer=()):
    """Artifacts as names of models, or as (type, name)."""
    pairs = [("Model", a) if isinstance(a, str) else a for a in artifacts]
    named = [{"type": sort, "name": name} for sort, name in pairs]
    return {"developer": list(developer), "deployer": [], "artifacts": named}


def problem(title, classof="Third-party Report", sort="Advisory"):
    return {"classof": classof, "type": sort, "description": prose(title)}


def prose(value):
    return {"lang": "eng", "value": value}


def sep(*terms):
    return {"avid": {"risk_domain": [], "sep_view": list(terms), "lifecycle_view": [], "taxonomy_version": ""}}


def links(*urls):
    return [{"label": "made up", "url": url} for url in urls]


def read(*documents):
    return list(IMPORTER.read([json.dumps(one) for one in documents]))


def imported(**changes):
    [result] = read(document(**changes))
    assert isinstance(result, Imported), result
    return result.submission


def refused(**changes):
    [result] = read(document(**changes))
    assert isinstance(result, Refused), result
    return result.reason, result.detail


def test_importer_is_named_after_its_file_and_needs_no_django():
    assert (IMPORTER.slug, IMPORTER.licence) == (Path(avid.__file__).stem, "MIT")
    probe = "import sys, reports.importers.avid; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=True)


def test_report_on_an_open_model_is_imported_as_sent():
    [result] = read(document(description=prose(f"  {TEXT}\n\n")))
    assert result.source_id == "AVID-2031-R0001"
    assert result.submission.text == f"  {TEXT}\n\n"
    assert result.submission.title == "A made-up title"
    assert result.submission.models == (f"{HUGGING_FACE}openai/gpt-oss-20b",)
    assert result.submission.occurred is None


def test_credited_people_never_become_a_contact():
    submission = imported()
    assert submission.contact == ""
    assert "ada@" not in submission.model_dump_json()


def test_long_title_is_one_shortened_line():
    title = imported(problemtype=problem("very\nlong " * 50)).title
    assert len(title) == 200
    assert title.startswith("very long very")
    assert title.endswith("…")


def test_only_web_addresses_become_links_each_once():
    sent = (
        "https://a.example/1",
        "heegyu/bbq",
        "file:///tmp/x.eval",
        "../i.png",
        "https://a.example/1",
        "https://b c",
    )
    assert imported(references=links(*sent)).links == ("https://a.example/1",)


def test_more_links_than_a_report_may_have_are_cut_off():
    many = [f"https://a.example/{number}" for number in range(60)]
    assert imported(references=links(*many)).links == tuple(many[:50])


# Which model


@pytest.mark.parametrize(
    ("spelling", "developer", "model"),
    [
        ("gpt-oss-20b", "OpenAI", f"{HUGGING_FACE}openai/gpt-oss-20b"),
        ("  GPT-OSS-20B ", "openai", f"{HUGGING_FACE}openai/gpt-oss-20b"),
        ("openai/gpt-oss-20b", "OpenAI", f"{HUGGING_FACE}openai/gpt-oss-20b"),
        ("bert-base-uncased", "", f"{HUGGING_FACE}google-bert/bert-base-uncased"),
        ("DeepSeek-R1", "DeepSeek", f"{HUGGING_FACE}deepseek-ai/DeepSeek-R1"),
        ("DeepSeek R1", "DeepSeek", "DeepSeek R1"),
        ("DeepSeek DeepSeek R1", "OpenAI", "DeepSeek R1"),
        ("Meta LLaMa 3.3", "DeepSeek", "Llama 3.3"),
        ("Prompt Injection Classifier", "Protect.ai", "Protect AI Prompt Injection Classifier"),
    ],
)
def test_spelling_in_the_table(spelling, developer, model):
    assert imported(affects=affects(spelling, developer=[developer])).models == (model,)


@pytest.mark.parametrize(
    ("spelling", "developer"),
    [
        ("gpt-oss-20b", "Acme"),  # another developer's model of that name
        ("gpt-oss-20b", ""),
        ("gpt-oss-20b-uncensored", "OpenAI"),  # a known name is only part of it
        ("my gpt-oss-20b", "OpenAI"),
        ("gpt-oss", "OpenAI"),
        ("acme/gpt-oss-20b", "OpenAI"),
        ("Prompt Injection Classifier", "Acme"),
        ("acme/some-model", "Acme"),  # org/name alone could be on any hub
    ],
)
def test_organisation_is_never_guessed(spelling, developer):
    reason, detail = refused(affects=affects(spelling, developer=[developer]))
    assert (reason, detail) == (Reason.UNKNOWN_MODEL, spelling)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("Some-Model", "https://huggingface.co/acme/Some-Model"),
        ("some-model", "https://huggingface.co/acme/Some-Model/tree/main"),
        ("acme/Some-Model", "https://hf.co/acme/Some-Model?x=1"),
        ("https://huggingface.co/acme/Some-Model", "https://a.example"),
    ],
)
def test_repository_that_the_record_itself_links(name, url):
    assert imported(affects=affects(name), references=links(url)).models == (f"{HUGGING_FACE}acme/Some-Model",)


@pytest.mark.parametrize(
    "urls",
    [
        ["https://huggingface.co/acme/Some-Model-v2"],
        ["https://huggingface.co/acme/Some-Model", "https://huggingface.co/other/Some-Model"],
        ["https://huggingface.co/spaces/Some-Model"],
        ["https://huggingface.co/spaces/acme/Some-Model"],
        ["https://huggingface.co/datasets/acme/Some-Model"],
        ["https://huggingface.co/Some-Model"],
        ["https://huggingface.co.evil.example/acme/Some-Model"],
        ["https://evil.example/https://huggingface.co/acme/Some-Model"],
        ["https://github.com/acme/Some-Model"],
    ],
)
def test_link_that_does_not_say_which_repository(urls):
    assert refused(affects=affects("Some-Model"), references=links(*urls))[0] == Reason.UNKNOWN_MODEL


def test_two_linked_repositories_of_one_name_are_told_apart_by_the_full_name():
    urls = links("https://huggingface.co/acme/Some-Model", "https://huggingface.co/other/Some-Model")
    submission = imported(affects=affects("other/Some-Model"), references=urls)
    assert submission.models == (f"{HUGGING_FACE}other/Some-Model",)


def test_every_open_model_of_a_report_is_named_once_and_nothing_else():
    mixed = affects(
        ("System", "OpenAI GPT-4o"),
        "DeepSeek DeepSeek R1",
        "DeepSeek R1",
        ("Dataset", "gpt-oss-20b"),
        "bert-base-uncased",
        ("System", "Some IDE"),
    )
    models = imported(affects=mixed).models
    assert models == ("DeepSeek R1", f"{HUGGING_FACE}google-bert/bert-base-uncased")


def test_table_is_unambiguous_and_each_resolved_row_spells_its_repository():
    table = model_table()
    spellings = Counter(" ".join(s.split()).casefold() for row in table.open for s in row.spellings)
    assert max(spellings.values()) == 1
    assert not set(spellings) & avid._closed_spellings()
    for row in table.open:
        if row.huggingface:
            assert row.huggingface.partition("/")[2].casefold() in {s.casefold() for s in row.spellings}
        else:
            assert "Not certain" in row.why


# Which kind and category


@pytest.mark.parametrize(
    ("classof", "sort", "kind"),
    [
        ("LLM Evaluation", "Measurement", Kind.MEASUREMENT),
        ("LLM Evaluation", "Detection", Kind.MEASUREMENT),
        ("Third-party Report", "Measurement", Kind.MEASUREMENT),
        ("LLM Evaluation", "Advisory", Kind.HAZARD),
        ("Third-party Report", "Issue", Kind.HAZARD),
        ("CVE Entry", "Advisory", Kind.HAZARD),
        ("AIID Incident", None, Kind.INCIDENT),
        ("ATLAS Case Study", "Advisory", Kind.EXERCISE),
        ("", None, Kind.HAZARD),
        ("Something new", "Something new", Kind.HAZARD),
    ],
)
def test_kind(classof, sort, kind):
    assert imported(problemtype=problem("Made up", classof, sort)).kind is kind


def test_record_without_a_problem_is_a_hazard_without_a_title():
    submission = imported(problemtype=None)
    assert (submission.kind, submission.title) == (Kind.HAZARD, "")


@pytest.mark.parametrize(
    ("terms", "category"),
    [
        (["E0101: Group fairness"], "bias"),
        (["E0100: Bias/Discrimination", "E0402: Generative Misinformation"], "bias"),
        (["P0201: Resilience/ Stability", "P0204: Accuracy"], "misinformation"),
        (["S0301: Information Leak", "S0403: Adversarial Example"], "privacy_leak"),
        (["S0201: Model Compromise"], "backdoor"),
        (["S0202: Software Compromise"], "backdoor.malicious_file"),
        (["P0402: Physical Safety"], "unsafe_content"),
        (["P0101: Data drift", "X", ""], "unsafe_content"),
    ],
)
def test_category_from_avids_own_terms(terms, category):
    assert imported(impact=sep(*terms)).category == category


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("Made-up Jailbreak Detector Guardrail Evasion", "adversarial_attack"),
        ("Multiple Model Guardrail Jailbreak via a made-up tactic", "unsafe_content"),
        ("Evaluated with the probe `packagehallucination.Rust`", "misinformation"),
        ("Evaluated on the bbq benchmark", "bias"),
        ("Nothing that helps", "unsafe_content"),
    ],
)
def test_category_from_the_title(title, category):
    assert imported(problemtype=problem(title), impact={"avid": None}).category == category


def test_every_category_is_one_of_ours():
    assert {*avid.SEP_CATEGORIES.values(), *avid.TITLE_CATEGORIES.values()} <= category_codes()


# Refusals


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("{not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5_000, "not JSON"),
        ("[]", "document"),
        ("null", "document"),
        ('"AVID"', "document"),
        ("{}", "metadata"),
        ('{"metadata": {}}', "no id"),
        ('{"metadata": {"report_id": ""}}', "no id"),
        ('{"metadata": {"report_id": "a b"}}', "no id"),
        ('{"metadata": {"report_id": "line 1"}}', "no id"),
        ('{"metadata": {"report_id": 7}}', "metadata.report_id"),
        ('{"metadata": {"report_id": "AVID-1"}, "affects": {"artifacts": "GPT"}}', "affects.artifacts"),
        ('{"metadata": {"report_id": "AVID-1"}, "references": [7]}', "references.0"),
        ('{"metadata": {"report_id": "AVID-1"}, "description": {"value": null}}', "description.value"),
    ],
)
def test_malformed_lines_are_refused_by_number(line, detail):
    first, second = IMPORTER.read(["", line, json.dumps(document())])
    assert (first.source_id, first.reason) == ("line 2", Reason.MALFORMED)
    assert first.detail.startswith(detail)
    assert isinstance(second, Imported)


def test_blank_lines_and_a_byte_order_mark_are_no_records():
    assert len(list(IMPORTER.read(["\ufeff" + json.dumps(document()) + "\r\n", "\n", "  "]))) == 1


def test_second_record_of_an_id_is_refused():
    first, second = read(document(), document(description=prose("Another made-up text of the same id.")))
    assert isinstance(first, Imported)
    assert (second.source_id, second.reason) == ("line 2", Reason.DUPLICATE)
    assert "AVID-2031-R0001" in second.detail


def test_vulnerabilities_are_digests_and_refused():
    digest = document(metadata={"vuln_id": "AVID-2031-V001"}, reports=[{"report_id": "AVID-2031-R0001"}])
    retold = document(metadata={"vuln_id": "AVID-2031-V002"}, problemtype=problem("Made up", "AIID Incident", None))
    assert read(digest, retold) == [
        Refused("AVID-2031-V001", "vulnerability", "summarises AVID-2031-R0001"),
        Refused("AVID-2031-V002", "vulnerability", "retells: AIID Incident"),
    ]


@pytest.mark.parametrize(
    ("named", "reason", "detail"),
    [
        (affects(), Reason.NO_MODEL, ""),
        (None, Reason.NO_MODEL, ""),
        (affects(("System", " ")), Reason.NO_MODEL, ""),
        (affects(("Dataset", "acme/faces")), Reason.NO_MODEL, "acme/faces"),
        (affects(("System", "Some IDE"), ("Dataset", "faces")), Reason.SYSTEM, "Some IDE; also faces"),
        (affects(("System", "acme/some-model")), Reason.SYSTEM, "acme/some-model"),
        (affects("OpenAI GPT-4"), Reason.CLOSED_MODEL, "OpenAI GPT-4"),
        (affects(("System", "GPT-4o"), ("System", "IDE")), Reason.CLOSED_MODEL, "GPT-4o; also IDE"),
        (affects("Brand-New-1B", ("System", "GPT-4o")), Reason.UNKNOWN_MODEL, "Brand-New-1B; also GPT-4o"),
        (affects(("", "Brand-New-1B")), Reason.UNKNOWN_MODEL, "Brand-New-1B"),
    ],
)
def test_record_that_names_no_open_model(named, reason, detail):
    assert refused(affects=named) == (reason, detail)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"description": prose("Too short.")}, "text: "),
        ({"description": None}, "text: "),
        ({"description": prose("x" * 50_001)}, "text: "),
    ],
)
def test_record_that_is_no_valid_report(changes, detail):
    reason, said = refused(**changes)
    assert reason == Reason.INVALID
    assert said.startswith(detail)


def test_more_models_than_a_report_may_name():
    urls = [f"https://huggingface.co/acme/m{number}" for number in range(21)]
    changes = {"affects": affects(*(f"m{number}" for number in range(21))), "references": links(*urls)}
    assert refused(**changes)[0] == Reason.INVALID


def test_detail_is_one_short_printable_line():
    reason, detail = refused(affects=affects("\x00\u202e\n" + "x" * 1_000))
    assert reason == Reason.UNKNOWN_MODEL
    assert len(detail) == 300
    assert detail.isprintable()


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["gpt-oss-20b", "bert-base-uncased", "GPT-4o", "acme/m", " ", "\ud800"]) | st.text(max_size=30)
URLS = st.sampled_from(["https://huggingface.co/acme/m", "http://[", "heegyu/bbq"]) | st.text(max_size=30)
PARTS = {
    "metadata": st.fixed_dictionaries({"report_id": st.just("AVID-2031-R0001") | st.text(max_size=20)}),
    "affects": st.lists(st.tuples(st.sampled_from(["Model", "System", "Dataset"]), NAMES), max_size=25).map(
        lambda artifacts: affects(*artifacts, developer=["OpenAI"])
    ),
    "problemtype": st.builds(problem, st.text(max_size=300)),
    "references": st.lists(URLS, max_size=5).map(lambda urls: links(*urls)),
    "description": (st.just(TEXT + "\ud800\x00") | st.text(max_size=100)).map(prose),
    "impact": st.lists(st.text(max_size=8), max_size=3).map(lambda terms: sep(*terms)),
}
DOCUMENTS = st.fixed_dictionaries({}, optional={part: values | JSON for part, values in PARTS.items()}).map(
    lambda changes: json.dumps(document() | changes)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=60) | JSON.map(json.dumps) | DOCUMENTS, max_size=5))
@example(['{"metadata": {"report_id": "\\ud800"}}', "NaN", "\x00"])
def test_no_line_ever_raises(lines):
    results = list(IMPORTER.read(lines))
    assert len(results) == sum(bool(line.strip("\ufeff \t\r\n")) for line in lines)
    assert len({result.source_id for result in results}) == len(results)
    assert results == list(IMPORTER.read(lines))
    for result in results:
        if isinstance(result, Refused):
            assert result.reason in set(Reason)
            assert f"{result.source_id}{result.detail}".isprintable()
        else:
            result.submission.model_dump_json().encode()


# The real data, which is never part of this repository


@pytest.fixture(scope="module")
def lines():
    path = SHARED / "avid" / "reports.jsonl"
    if not path.exists():
        pytest.skip(f"AVID's reports are not at {path}")
    with path.open(encoding="utf-8") as file:
        return list(file)


@pytest.fixture(scope="module")
def results(lines):
    return list(IMPORTER.read(lines))


def test_every_real_report_has_one_result_in_order(lines, results):
    ids = [json.loads(line)["metadata"]["report_id"] for line in lines]
    assert len(ids) == 1745
    assert [result.source_id for result in results] == ids
    assert len(set(ids)) == len(ids)


def test_real_reports_by_outcome(results):
    # Of avid-db at 8eda5f4e. All 1,098 CVE entries are about software: `system`.
    reasons = Counter(result.reason for result in results if isinstance(result, Refused))
    kinds = Counter(result.submission.kind for result in results if isinstance(result, Imported))
    assert reasons == {Reason.SYSTEM: 1123, Reason.CLOSED_MODEL: 38}
    assert kinds == {Kind.MEASUREMENT: 578, Kind.HAZARD: 6}


def test_real_measurements_are_never_anything_else(lines, results):
    for line, result in zip(lines, results, strict=True):
        if isinstance(result, Imported) and json.loads(line).get("metrics"):
            assert result.submission.kind is Kind.MEASUREMENT


def test_real_models_are_resolved_only_with_a_reason(lines, results):
    listed = {HUGGING_FACE + row.huggingface for row in model_table().open if row.huggingface}
    plain = {row.name for row in model_table().open if not row.huggingface}
    resolved, by_name = 0, 0
    for line, result in zip(lines, results, strict=True):
        models = set(result.submission.models) if isinstance(result, Imported) else set()
        own = {model for model in models - listed - plain if f'"{model}"' in line}
        assert models <= listed | plain | own
        resolved += bool(models & (listed | own))
        by_name += bool(models & plain)
    assert (resolved, by_name) == (536, 48)


def test_table_has_no_row_that_no_real_report_needs(lines):
    named = {" ".join(a["name"].split()).casefold() for line in lines for a in json.loads(line)["affects"]["artifacts"]}
    for row in model_table().open:
        assert named & {spelling.casefold() for spelling in row.spellings}, row.name


def test_reading_the_real_reports_again_gives_the_same(lines, results):
    assert list(IMPORTER.read(lines)) == results


def test_every_real_vulnerability_is_refused():
    path = SHARED / "avid" / "vulnerabilities.jsonl"
    if not path.exists():
        pytest.skip(f"AVID's vulnerabilities are not at {path}")
    with path.open(encoding="utf-8") as file:
        outcomes = [(type(result), result.reason) for result in IMPORTER.read(file)]
    assert outcomes == [(Refused, "vulnerability")] * 40


def test_table_agrees_with_the_recorded_hub_and_openness_data():
    if not SHARED.exists():
        pytest.skip(f"no recorded data at {SHARED}")
    redirect = json.loads((SHARED / "hubs/huggingface/models_bert-base-uncased_307.json").read_text("utf-8"))
    repositories = {row.name: row.huggingface for row in model_table().open}
    assert redirect["headers"]["location"].endswith(f"/{repositories['bert-base-uncased']}")
    for name in ("DeepSeek-R1", "gpt-oss-20b"):
        stated = (SHARED / f"openness/mof/models/{name}.yml").read_text("utf-8")
        assert f"'{HUGGING_FACE}{repositories[name]}'" in stated


def test_categories_map_terms_that_avid_has():
    path = SHARED / "schemas/avid/avid_report_0.3.2.schema.json"
    if not path.exists():
        pytest.skip(f"AVID's schema is not at {path}")
    terms = json.loads(path.read_text("utf-8"))["$defs"]["SepEnum"]["enum"]
    assert all(any(term.startswith(code) for term in terms) for code in avid.SEP_CATEGORIES)
