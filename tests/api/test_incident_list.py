"""The list of incidents as researchers ask for it."""

import json
from itertools import pairwise
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from catalogue.hub import Reference
from catalogue.models import Lineage, Snapshot
from catalogue.naming import find_alias, name_model
from incidents import counting, listing, position, refreshing
from incidents.models import Operation, SearchRefresh
from incidents.publishing import publish, revise
from incidents.record import AffectedModel, Match, Record
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/api/v1/incidents"


@pytest.fixture
def researcher():
    return Client()


@pytest.fixture
def ask(researcher):
    """The answer to the list's arguments."""

    def answer(**arguments):
        response = researcher.get(LIST, arguments)
        assert response.status_code == 200, response.content
        return response.json()

    return answer


@pytest.fixture
def titles(ask):
    return lambda **arguments: [item["title"] for item in ask(**arguments)["items"]]


def model(name, **changes):
    values = {"hub": "huggingface", "name": name, "match": Match.REPOSITORY}
    return AffectedModel.model_validate({**values, **changes})


def a_and_b():
    """Two records that differ in everything."""
    publish(
        factories.record(
            title="Record A",
            summary="A poisoned tokenizer was found there.",
            category="backdoor.trigger",
            kind="hazard",
            severity="high",
            evidence_grade="confirmed",
            confidence="high",
            published="2026-01-05T10:00:00Z",
            modified="2026-01-05T10:00:00Z",
            occurred="2025-12",
            origin="a.example",
            affected=(
                model(
                    "Alpha-Org/one",
                    hub="ollama",
                    files=({"path": "model.safetensors"},),
                    observed={"at": "2026-01-01T00:00:00Z", "revision": "", "licence": "apache-2.0"},
                ),
            ),
            classifications=({"taxonomy": "mitre-atlas", "term": "AML.T0018"},),
            aliases=("AIID-7",),
        )
    )
    publish(factories.record(title="Record B", published="2026-02-05T10:00:00Z", modified="2026-02-05T10:00:00Z"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"q": "poisoning"},
        {"q": '"poisoned tokenizer" -shop'},
        {"category": "backdoor.trigger"},
        {"category": "backdoor"},
        {"kind": "hazard"},
        {"kind": "hazard,exercise"},
        {"kind": ["hazard", "exercise"]},
        {"severity": "high"},
        {"severity_min": "moderate"},
        {"evidence_grade": "confirmed"},
        {"confidence": "high"},
        {"hub": "ollama"},
        {"organisation": "alpha-ORG"},
        {"model": "alpha-org/ONE"},
        {"model": "alpha-org/one", "hub": "ollama"},
        {"base_model": "Alpha-Org/one"},
        {"licence": "apache-2.0"},
        {"licence": "Apache License 2.0"},
        {"file_format": "safetensors"},
        {"term": "mitre-atlas:AML.T0018"},
        {"term": "faultline:backdoor"},
        {"alias": "aiid-7"},
        {"origin": "a.example"},
        {"occurred_from": "2025-12-15"},
        {"occurred_to": "2025"},
        {"occurred_from": "2025-12-31", "occurred_to": "2026"},
        {"published_to": "2026-01"},
        {"published_to": "2026-01-05T10:00:00Z"},
        {"modified_from": "2026-01-05", "modified_to": "2026-01-05"},
    ],
    ids=lambda arguments: urlencode(arguments, doseq=True),
)
def test_each_filter_finds_what_it_says(titles, arguments):
    a_and_b()
    assert titles(**arguments) == ["Record A"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": "alpha-org/one", "hub": "huggingface"},
        {"hub": "ollama", "kind": "incident"},
        {"published_from": "2026-02-05T10:00:01Z"},
        {"occurred_from": "2026-01-01"},
        {"occurred_to": "2025-11-30"},
        {"licence": "mit"},
        {"q": "poisoned shop"},
    ],
    ids=lambda arguments: urlencode(arguments, doseq=True),
)
def test_all_filters_must_hold(titles, arguments):
    a_and_b()
    assert titles(**arguments) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"kind": "nonsense"}, "kind is one of exercise, hazard, incident, measurement."),
        ({"kind": "hazard,nonsense"}, "kind is one of"),
        ({"severity_min": "bad"}, "severity_min is one of unknown, negligible"),
        ({"hub": "nowhere"}, "hub is one of civitai"),
        ({"file_format": "docx"}, "file_format is one of"),
        ({"openness": "weights"}, "openness is one of"),
        ({"term": "no-taxonomy:x"}, "with a taxonomy of"),
        ({"term": "faultline:nonsense"}, "has no term"),
        ({"published_from": "yesterday"}, "2026-03-01T10:00:00Z"),
        ({"occurred_to": "2026-13"}, "a day, a month or a year"),
        ({"occurred_to": "2026-02-30"}, "a day, a month or a year"),
        ({"occurred_from": "0000"}, "a day, a month or a year"),
        ({"as_of": "3"}, "as_of is at most 2"),
        ({"as_of": "9" * 30}, "as_of is at most 2"),
        ({"as_of": "soon"}, "a number of the log"),
        ({"sort": "beauty"}, "sort is one of"),
        ({"sort": "relevance"}, "needs words"),
        ({"order": "up"}, "order is one of"),
        ({"fields": "id,digest"}, "fields are some of"),
        ({"facets": "alias"}, "facets are some of"),
        ({"limit": "501"}, "to 500"),
        ({"model": ",".join(f"m{n}" for n in range(51))}, "more than 50 values"),
        ({"model": "x" * 501}, "too long"),
        ({"q": ["a", "b"]}, "more than once"),
        ({"colour": "red"}, "There is no argument 'colour'; there are alias, as_of"),
    ],
)
def test_what_means_nothing_is_refused_with_what_may_be(researcher, arguments, says):
    a_and_b()
    answer = researcher.get(LIST, arguments)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert says in answer.json()["detail"]


HOSTILE = [
    "'; DROP TABLE incidents_searchrow; --",
    "%s %(q)s %%",
    '"unbalanced \\ & | ! ( ) :* <->',
    "\\x00' OR 1=1",
    "a" * 400,
    "-" * 300,
    "the",
    "-shop",
    "\U0001f9e8 \u202e\ufffd",
    "{0} {keys} {{",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(researcher, titles, text):
    a_and_b()
    for name in ("q", "organisation", "model", "base_model", "licence", "alias", "origin"):
        assert researcher.get(LIST, {name: text, "facets": "kind"}).status_code == 200
    for name in ("kind", "term", "as_of", "sort", "fields", "facets", "cursor", "published_from", "openness"):
        assert researcher.get(LIST, {name: text}).status_code == 400
    assert titles() == ["Record B", "Record A"]


def walk(researcher, **arguments):
    """Every page, by the links."""
    address, pages = f"{LIST}?{urlencode(arguments)}", []
    while address:
        answer = researcher.get(address)
        pages.append(answer.json())
        address = pages[-1]["next"]
        links = answer["Link"]
        assert ('rel="next"' in links, 'rel="first"' in links) == (bool(address), True)
    return pages


def test_a_walk_stays_in_the_state_it_began_in(researcher):
    for number in range(5):
        publish(factories.record(title=f"Incident number {number}"))
    first = researcher.get(f"{LIST}?limit=2&sort=modified").json()
    publish(factories.record(title="A late one"))
    second = researcher.get(first["next"]).json()
    assert (first["as_of"], second["as_of"]) == (5, 5)
    assert [item["title"][-1] for page in (first, second) for item in page["items"]] == ["4", "3", "2", "1"]


def test_a_cursor_belongs_to_its_list(researcher):
    for _ in range(3):
        publish(factories.record())
    (cursor,) = parse_qs(urlsplit(researcher.get(f"{LIST}?limit=1&kind=incident").json()["next"]).query)["cursor"]
    assert researcher.get(LIST, {"kind": "incident", "cursor": cursor}).status_code == 200
    for other in (
        {},
        {"kind": "hazard"},
        {"kind": "incident", "sort": "modified"},
        {"kind": "incident", "order": "asc"},
    ):
        answer = researcher.get(LIST, {**other, "cursor": cursor})
        assert answer.status_code == 400
        assert answer.json()["type"] == "/api/problems/bad-cursor"


def test_every_order_both_ways(researcher):
    for severity, occurred, published in (
        ("low", "2025", "2026-03-01T00:00:00Z"),
        ("critical", None, "2026-01-01T00:00:00Z"),
        ("low", "2024-06-01", "2026-02-01T00:00:00Z"),
    ):
        publish(factories.record(severity=severity, occurred=occurred, published=published, modified=published))
    for sort, key in (
        ("published", lambda item: item["published"]),
        ("modified", lambda item: item["modified"]),
        ("occurred", lambda item: item["occurred"] or ""),
        ("severity", lambda item: (item["severity"] == "critical", item["published"])),
    ):
        down, up = (
            [item for page in walk(researcher, sort=sort, order=order, limit=1) for item in page["items"]]
            for order in ("desc", "asc")
        )
        assert down == up[::-1]
        assert all(key(before) >= key(after) for before, after in pairwise(down))


def test_the_record_as_it_stood(researcher, titles):
    record = factories.record(title="First wording", published="2026-01-01T00:00:00Z", modified="2026-01-01T00:00:00Z")
    publish(record)
    better = {**record.document(), "version": 2, "title": "Second wording", "modified": "2026-02-10T00:00:00Z"}
    revise(Operation.CORRECT, Record.model_validate(better))
    gone = {**better, "version": 3, "status": "withdrawn", "notice": "Wrong.", "modified": "2026-03-10T00:00:00Z"}
    revise(Operation.WITHDRAW, Record.model_validate(gone))
    assert [titles(as_of=number) for number in range(4)] == [[], ["First wording"], ["Second wording"], []]
    assert titles(as_of="2026-02-09") == ["First wording"]
    assert titles(as_of="2026-02") == titles(as_of="2026-02-10T00:00:00Z") == ["Second wording"]
    assert titles(as_of="2025-12-31") == titles() == []
    assert titles(as_of="2026-02", q="first") == []
    assert titles(as_of=1, q="first") == ["First wording"]
    assert titles(status="withdrawn") == ["Second wording"]


def test_fields_are_the_stored_bytes_of_those_members(researcher):
    publish(factories.record(title="Ünïcode “quoted” \\ 1.0", aliases=("AIID-1",)))
    whole = researcher.get(LIST).json()["items"][0]
    answer = researcher.get(f"{LIST}?fields=title,affected,aliases")
    (item,) = answer.json()["items"]
    assert item == {name: whole[name] for name in ("affected", "aliases", "id", "title")}
    assert list(item) == sorted(item)
    stored = researcher.get(LIST).content
    assert json.dumps(whole["title"], ensure_ascii=False).encode() in stored
    assert json.dumps(whole["title"], ensure_ascii=False).encode() in answer.content


def counts(answer, name):
    return {one["value"]: one["count"] for one in answer["facets"][name]["values"]}


def test_facets_count_what_is_wanted_and_say_how(ask):
    a_and_b()
    publish(factories.record(category="backdoor"))
    everything = ask(facets="category,kind,organisation,term")
    assert everything["total"] == {"value": 3, "basis": "rollup"}
    assert everything["facets"]["kind"]["basis"] == "rollup"
    # A category counts its children, as its filter finds them.
    assert counts(everything, "category") == {"backdoor": 2, "backdoor.trigger": 1, "hidden_promotion": 1}
    assert counts(everything, "organisation") == {"example-org": 2, "Alpha-Org": 1}
    some = ask(facets="category,hub", kind="incident")
    assert some["total"] == {"value": 2, "basis": "exact"}
    assert counts(some, "category") == {"backdoor": 1, "hidden_promotion": 1}
    assert counts(some, "hub") == {"huggingface": 2}
    assert ask(facets="kind", as_of=1)["facets"]["kind"] == {
        "basis": "exact",
        "more": False,
        "values": [{"value": "hazard", "count": 1}],
    }


def test_counts_follow_changes(ask):
    record = factories.record(kind="hazard")
    publish(record)
    changed = {**record.document(), "version": 2, "kind": "exercise"}
    revise(Operation.CORRECT, Record.model_validate(changed))
    assert counts(ask(facets="kind"), "kind") == {"exercise": 1}
    gone = {**changed, "version": 3, "status": "withdrawn", "notice": "Wrong."}
    revise(Operation.WITHDRAW, Record.model_validate(gone))
    assert ask(facets="kind") == {
        "as_of": 3,
        "items": [],
        "next": None,
        "total": {"value": 0, "basis": "rollup"},
        "facets": {"kind": {"basis": "rollup", "more": False, "values": []}},
    }


def test_what_is_common_is_estimated_from_a_sample(ask, monkeypatch):
    for number in range(60):
        publish(factories.record(kind="hazard" if number % 4 == 0 else "incident", aliases=(f"AIID-{number}",)))
    monkeypatch.setattr(counting, "_SHORT", 10)
    monkeypatch.setattr(counting, "_FEW", 10)
    monkeypatch.setattr(counting, "_ENOUGH", 5)
    monkeypatch.setattr(counting, "_SAMPLES", (45, 60))
    monkeypatch.setattr(counting, "MOST_EXACT", 20)
    monkeypatch.setattr(counting, "SAMPLED", 10)
    answer = ask(q="shop", facets="kind,severity")
    assert answer["total"]["basis"] == "sample"
    assert 45 <= answer["total"]["value"] <= 75
    facet = answer["facets"]["kind"]
    assert (facet["basis"], facet["sampled"] < 20) == ("sample", True)
    assert abs(sum(counts(answer, "kind").values()) - answer["total"]["value"]) <= 1
    assert counts(answer, "severity") == {"low": answer["total"]["value"]}
    # What is rare is counted all the same.
    assert ask(alias="aiid-7", total="true")["total"] == {"value": 1, "basis": "exact"}


def test_many_exact_matches_have_facets_from_some_of_them(ask, monkeypatch):
    for _ in range(30):
        publish(factories.record())
    monkeypatch.setattr(counting, "MOST_EXACT", 20)
    monkeypatch.setattr(counting, "SAMPLED", 10)
    answer = ask(kind="incident", facets="severity")
    assert answer["total"] == {"value": 30, "basis": "exact"}
    assert answer["facets"]["severity"]["basis"] == "sample"
    assert counts(answer, "severity") == {"low": 30}


def test_a_list_costs_the_same_queries_however_much_is_asked(researcher, django_assert_num_queries):
    dearest = {"q": "shop", "kind": "incident,hazard", "severity_min": "low", "sort": "relevance", "fields": "title"}
    for _ in range(2):
        position.forget()
        with django_assert_num_queries(2):
            researcher.get(LIST, dearest)
        position.forget()
        with django_assert_num_queries(3):
            researcher.get(LIST, {**dearest, "facets": "kind,hub,model,term"})
        for _ in range(20):
            publish(factories.record())


def test_what_is_answered_from_the_catalogue_is_revalidated_by_its_content(researcher):
    publish(factories.record())
    first = researcher.get(f"{LIST}?licence=mit")
    again = researcher.get(f"{LIST}?licence=mit", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    learn("example-org/tiny-chat", licence="mit")
    refreshing.refresh_due()
    changed = researcher.get(f"{LIST}?licence=mit", headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, len(changed.json()["items"])) == (200, 1)


def learn(name, **said):
    """What a hub says of a model."""
    alias = name_model(Reference("huggingface", name))
    Snapshot.objects.create(model=alias.model, name=name, digest="", **said)
    return alias.model


class TestTheCatalogue:
    def test_a_record_is_found_by_what_hubs_say_of_its_models_at_publication(self, titles):
        learn("example-org/tiny-chat", licence="gemma")
        publish(factories.record())
        assert len(titles(licence="gemma")) == 1
        assert titles(licence="mit") == []

    def test_a_private_repository_says_nothing(self, titles):
        learn("example-org/tiny-chat", licence="gemma", private=True)
        publish(factories.record())
        assert titles(licence="gemma") == []

    def test_what_is_learnt_later_is_found_soon(self, titles):
        publish(factories.record())
        assert refreshing.refresh_due() == 0
        learn("Example-Org/Tiny-Chat", licence="gemma")
        assert refreshing.refresh_due() == 1
        assert len(titles(licence="gemma")) == 1
        assert refreshing.refresh_due() == 0

    def test_a_record_is_asked_about_ever_more_rarely(self):
        publish(factories.record())
        hours = []
        for _ in range(11):
            SearchRefresh.objects.get().retry_now()
            refreshing.refresh_due()
            hours.append(SearchRefresh.objects.get().interval_hours)
        assert hours == [2, 4, 8, 16, 32, 64, 128, 256, 336, 336, 336]

    def test_records_on_what_derives_from_a_model(self, titles):
        base, middle = learn("org/base"), learn("org/middle")
        child = learn("example-org/tiny-chat")
        for lower, upper in ((child, middle), (middle, base), (base, child)):
            Lineage.objects.create(child=lower, base=find_alias("huggingface", upper.name), claimed_by="the hub")
        publish(factories.record(title="On the child"))
        publish(factories.record(title="On the base", affected=(model("org/base"),)))
        publish(factories.record(title="Not on it", affected=(model("org/base", status="not_affected"),)))
        publish(factories.record(title="On another", affected=(model("org/another"),)))
        assert titles(base_model="ORG/base") == ["On the base", "On the child"]
        assert titles(base_model="org/another") == ["On another"]

    def test_a_withdrawn_record_tells_nothing_of_its_models(self, titles):
        learn("example-org/tiny-chat", licence="gemma")
        record = factories.record()
        publish(record)
        gone = {**record.document(), "version": 2, "status": "withdrawn", "notice": "Wrong."}
        revise(Operation.WITHDRAW, Record.model_validate(gone))
        assert titles(licence="gemma", status="withdrawn") == []


def test_one_page_can_hold_five_hundred(ask):
    for _ in range(3):
        publish(factories.record())
    assert len(ask(limit=listing.MOST_PER_PAGE)["items"]) == 3
