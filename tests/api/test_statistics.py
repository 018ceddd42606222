"""Statistics through the API: every number is counted again from the public documents alone."""

import csv
import io
import random

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalogue.lookups import look_up_due
from catalogue.models import Lookup, Model, Openness
from incidents import statistics
from incidents.models import Publication
from incidents.publishing import publish
from incidents.statistics import DIMENSIONS, PERIODS
from tests import factories
from tests.incidents.recount import publish_random, read_all, recount
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/statistics"
IN_DOCUMENTS = [name for name in DIMENSIONS if not name.startswith("openness.")]


def get(**query):
    answer = Client().get(ADDRESS, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def cells_of(document):
    by = document["query"]["by"]
    cells = {tuple(cell[name] for name in by): (cell["events"], cell["records"]) for cell in document["cells"]}
    assert len(cells) == len(document["cells"])
    return {**cells, "total": tuple(document["total"].values())}


@pytest.fixture(scope="class")
def collection(django_db_setup, django_db_blocker):
    """A random collection and its documents, for all the tests that only read it."""
    with django_db_blocker.unblock(), transaction.atomic():
        publish_random(random.Random(20261121), 160)
        yield read_all(Client())
        transaction.set_rollback(True)


QUERIES = [
    *([[one], {}] for one in IN_DOCUMENTS),
    [["category", "published_year"], {}],
    [["hub", "organisation", "published_quarter"], {"kind": "any"}],
    [["kind", "status"], {}],
    [["kind", "licence", "occurred_month"], {"status": "any"}],
    [["severity"], {"category": "misuse"}],
    [["published_month"], {"published": "2025", "organisation": "huggingface/org"}],
    [["evidence_grade"], {"published": "2025-03", "kind": "any", "status": "any"}],
    [["origin"], {"occurred": "2024"}],
    [["confidence"], {"occurred": "2024-02", "hub": "kaggle", "licence": "mit", "kind": "any"}],
    [[], {"status": "withdrawn", "kind": "hazard"}],
]


@pytest.mark.usefixtures("collection")
class TestACollection:
    """Read by these tests alone: what is published in it, the others do not see."""

    @pytest.mark.parametrize(("by", "filters"), QUERIES)
    def test_counts_are_those_of_a_recount_over_the_documents(self, collection, by, filters):
        document = get(by=",".join(by), values=200, **filters)
        resolved = {"kind": "any" if "kind" in by else "incident", **({"status": "any"} if "status" in by else {})}
        expected = recount(collection, by, {**resolved, **filters})
        found = cells_of(document)
        if not by:
            expected.pop((), None)
        assert found == expected
        assert found["total"][0] > 0 or filters
        assert document["log_number"] == Publication.objects.count()

    def test_random_queries_hold_too(self, collection):
        chance = random.Random(7)
        choices = {
            "category": ["backdoor", "misuse"],
            "kind": ["incident", "hazard", "any"],
            "severity": ["low", "high"],
            "status": ["published", "disputed", "withdrawn", "any"],
            "hub": ["huggingface", "civitai"],
            "organisation": ["huggingface/org", "kaggle/org"],
            "licence": ["MIT", "apache-2.0"],
            "published": ["2024", "2026-05"],
            "occurred": ["2023", "2025-06"],
        }
        for _ in range(60):
            by = chance.sample([one for one in IN_DOCUMENTS if one not in PERIODS], chance.randint(0, 2))
            by += chance.sample(sorted(PERIODS), chance.randint(0, 1))
            filters = {
                name: chance.choice(choices[name]) for name in chance.sample(sorted(choices), chance.randint(0, 3))
            }
            resolved = {"kind": "any" if "kind" in by else "incident", **({"status": "any"} if "status" in by else {})}
            wanted = {**resolved, **filters}
            wanted |= {"licence": wanted["licence"].lower()} if "licence" in wanted else {}
            expected = recount(collection, by, wanted)
            if not by:
                expected.pop((), None)
            assert cells_of(get(by=",".join(by), values=200, **filters)) == expected, (by, filters)

    def test_the_answer_names_its_query_which_gives_it_again(self):
        first = get(by="severity,published_year", organisation="huggingface/Org")
        address = first["query"]["url"].removeprefix("http://testserver")
        assert Client().get(address).json() == first

    def test_of_many_values_the_most_frequent_are_told_and_the_rest_is_counted(self):
        everything, few = get(by="category", values=200), get(by="category", values=3)
        ranked = sorted(everything["cells"], key=lambda cell: (-cell["events"], cell["category"]))
        assert few["cells"] == sorted(ranked[:3], key=lambda cell: cell["category"])
        assert few["omitted"] == {"category": len(ranked) - 3}
        assert few["total"] == everything["total"]
        assert everything["omitted"] == {}

    def test_csv_has_the_same_rows(self):
        answer = Client().get(ADDRESS, {"by": "hub,published_year", "format": "csv"})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert (
            Client().get(f"{ADDRESS}?by=hub,published_year", headers={"Accept": "text/csv"}).content == answer.content
        )
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        document = get(by="hub,published_year")
        assert rows == [
            {
                **{name: "" if value is None else str(value) for name, value in cell.items()},
                "log_number": str(document["log_number"]),
            }
            for cell in document["cells"]
        ]
        total = list(csv.DictReader(io.StringIO(Client().get(ADDRESS, {"format": "csv"}).content.decode())))
        assert total[0]["events"] == str(document["total"]["events"])

    def test_any_count_is_one_statement(self):
        lengths = set()
        for by in ("", "category", "hub,organisation,published_month", "openness.weights,severity"):
            with CaptureQueriesContext(connection) as queries:
                get(by=by)
            lengths.add(len([one for one in queries if "incidents_fact" in str(one["sql"])]))
        assert lengths == {1}


def test_an_event_on_two_records_counts_once_and_a_hazard_is_no_incident():
    publish(factories.record(aliases=("AIID-1",), category="backdoor"))
    publish(factories.record(aliases=("aiid-1",), category="hidden_promotion"))
    publish(factories.record(kind="hazard"))
    document = get(by="category")
    assert document["total"] == {"events": 1, "records": 2}
    assert [cell["events"] for cell in document["cells"]] == [1, 1]
    assert document["query"]["filters"] == {"kind": "incident"}


def test_an_unchanged_count_is_not_counted_again():
    publish(factories.record())
    first = Client().get(f"{ADDRESS}?by=category")
    with CaptureQueriesContext(connection) as queries:
        again = Client().get(f"{ADDRESS}?by=category", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, len(queries)) == (304, b"", 1)
    assert Client().get(f"{ADDRESS}?by=category&format=csv")["ETag"] != first["ETag"]
    publish(factories.record())
    assert Client().get(f"{ADDRESS}?by=category", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_openness_is_that_of_the_models_now(settings):
    with StandInHub([example_model("example-org/tiny-chat", gated="auto")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        publish(factories.record(affected=({"name": "nobody/knows-it", "hub": "huggingface", "match": "repository"},)))
        look_up_due()
    shown = Client().get("/api/v1/models/huggingface/example-org/tiny-chat").json()["openness"]["dimensions"]
    for dimension in ("gating", "weights", "licence_osi"):
        cells = get(by=f"openness.{dimension}")["cells"]
        assert [cell[f"openness.{dimension}"] for cell in cells] == [shown[dimension]["value"], None]
        assert [cell["events"] for cell in cells] == [1, 1]
    Model.objects.update(shown=False)
    assert [cell["openness.gating"] for cell in get(by="openness.gating")["cells"]] == [None]


def test_openness_of_a_private_repository_is_forgotten(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
        assert get(by="openness.weights")["cells"][0]["openness.weights"] == "published"
        hub.put(example_model("example-org/tiny-chat", private=True))
        Lookup.objects.update(due_at=timezone.now())
        look_up_due()
    assert get(by="openness.weights")["cells"][0]["openness.weights"] is None
    assert not Openness.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "by=nonsense",
        "by=category,category",
        "by=category,kind,hub",
        "by=published_year,occurred_year,category",
        "by=openness.weights,openness.card",
        "kind=nonsense",
        "category=nonsense",
        "published=26",
        "published=2026-13",
        "occurred=2026-1",
        "values=201",
        "foo=1",
        "hub=%00",
    ],
)
def test_what_cannot_be_counted_gets_a_problem(query):
    answer = Client().get(f"{ADDRESS}?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    as_csv = Client().get(f"{ADDRESS}?{query}", headers={"Accept": "text/csv"})
    assert (as_csv.status_code, as_csv.json()["type"]) == (400, answer.json()["type"])


def test_what_would_take_too_long_is_given_up(monkeypatch):
    publish(factories.record())
    monkeypatch.setattr(statistics, "MOST_MILLISECONDS", 100)
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    # Another connection holds a table that the count reads.
    with psycopg.connect(**parameters) as other:
        other.execute("LOCK TABLE catalogue_openness IN ACCESS EXCLUSIVE MODE")
        answer = Client().get(f"{ADDRESS}?by=openness.card")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["type"].endswith("/busy")
    assert Client().get(f"{ADDRESS}?by=openness.card").status_code == 200


def test_of_nothing_there_are_none():
    assert get(by="category,published_month")["cells"] == []
    assert get()["total"] == {"events": 0, "records": 0}


def test_a_pending_report_changes_no_count(settings):
    addresses = [
        f"{ADDRESS}?by=hub,licence",
        f"{ADDRESS}?by=openness.weights",
        f"{ADDRESS}/rates",
        f"{ADDRESS}?by=organisation",
    ]

    def answers():
        found = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                answer = Client().get(address)
            found.append((answer.status_code, answer.content, answer["ETag"], len(queries)))
        return found

    with StandInHub([example_model("example-org/tiny-chat"), example_model("secret/other")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
        before = answers()
        factories.report(models=("secret/other", "example-org/tiny-chat"))
        look_up_due()
        assert answers() == before
