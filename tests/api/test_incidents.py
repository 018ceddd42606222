"""Reading published incidents through the API."""

import json

import jsonschema
import pytest
from django.test import Client

from incidents.models import Incident, Operation
from incidents.publishing import publish, revise
from incidents.record import Record, json_schema
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def researcher():
    return Client()


def test_the_answer_is_the_stored_bytes(researcher):
    incident = factories.published_incident()
    answer = researcher.get(f"/api/v1/incidents/{incident.public_id}")
    assert answer.content == bytes(incident.document)
    assert answer["Content-Type"] == "application/json"
    assert answer["ETag"] == f'"{incident.digest}"'


def test_the_served_schema_describes_every_document(researcher):
    factories.published_incident()
    schema = researcher.get("/api/v1/schemas/incident").json()
    assert schema == json.loads(json.dumps(json_schema()))
    for document in researcher.get("/api/v1/incidents").json()["items"]:
        jsonschema.validate(document, schema)


def test_pages_link_to_each_other_until_the_end(researcher):
    for number in range(7):
        publish(factories.record(title=f"Incident number {number}"))
    address, seen = "/api/v1/incidents?limit=3", []
    while address:
        answer = researcher.get(address)
        seen += [item["title"] for item in answer.json()["items"]]
        address = answer.json()["next"]
        assert ('rel="next"' in answer.get("Link", "")) == bool(address)
    assert seen == [f"Incident number {number}" for number in reversed(range(7))]


def test_an_unchanged_answer_costs_304(researcher):
    factories.published_incident()
    for address in ("/api/v1/incidents", f"/api/v1/incidents/{Incident.objects.get().public_id}", "/api/v1/changes"):
        first = researcher.get(address)
        again = researcher.get(address, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    publish(factories.record())
    assert researcher.get("/api/v1/incidents", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_an_id_of_another_database_leads_to_ours(researcher):
    publish(factories.record(aliases=("AIID-313",)))
    answer = researcher.get("/api/v1/incidents/aiid-313")
    assert answer.status_code == 302
    assert answer["Location"].endswith(Incident.objects.get().public_id)


@pytest.mark.parametrize(
    "query",
    [
        "kind=nonsense",
        "category=nonsense",
        "severity=9",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=1e3",
        "limit=%D9%A3",
        "cursor=zzz",
        "foo=bar",
        "sort=modified&sort=modified",
        "q=%00",
        "q=" + "x" * 501,
    ],
)
def test_bad_arguments_are_problems_with_a_stable_type(researcher, query):
    answer = researcher.get(f"/api/v1/incidents?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail"}
    assert answer.json()["type"].startswith("/api/problems/")


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/incidents/FL-2026-00000000",
        "/api/v1/nothing",
        "/api/",
        "/api/v1/models/huggingface/a/b",
        "/api/v1/models/x/y",
        "/api/v1/incidents/%00",
        "/api/v1/models/huggingface/%00",
    ],
)
def test_what_is_not_there_is_a_problem_too(researcher, address):
    answer = researcher.get(address)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_reading_is_reading(researcher, method):
    answer = getattr(researcher, method)("/api/v1/incidents", data={}, content_type="application/json")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"


def test_a_list_and_a_page_of_it_cost_the_same_few_queries(researcher, django_assert_num_queries):
    for _ in range(3):
        publish(factories.record())
    with django_assert_num_queries(2):
        researcher.get("/api/v1/incidents")
    for _ in range(30):
        publish(factories.record())
    with django_assert_num_queries(2):
        researcher.get("/api/v1/incidents")


class TestChanges:
    def test_every_entry_with_its_document_in_order(self, researcher):
        record = factories.record()
        publish(record)
        better = {**record.document(), "version": 2, "title": "A better title", "notice": "The title was wrong."}
        revise(Operation.CORRECT, Record.model_validate(better))
        entries = researcher.get("/api/v1/changes?after=0").json()["entries"]
        assert [(entry["number"], entry["operation"]) for entry in entries] == [(1, "publish"), (2, "correct")]
        assert entries[1]["document"]["title"] == "A better title"

    def test_a_follower_can_check_each_document_against_its_signed_object(self, researcher):
        from incidents import checkpoints
        from lib import jws
        from lib.canonical import canonical_bytes, digest

        for _ in range(3):
            publish(factories.record())
        checkpoints.sign_due()
        served = researcher.get("/api/v1/changes").json()
        for entry in served["entries"]:
            document = canonical_bytes(entry["document"])
            assert digest(document) == entry["digest"]
            signed = researcher.get(f"/log/object/{entry['object']}").content
            assert digest(signed) == entry["object"]
            assert document in jws.read(signed)[0]
        assert served["head"] == {"number": 3, "object": served["entries"][-1]["object"]}

    def test_after_the_end_there_is_nothing_and_no_error(self, researcher):
        publish(factories.record())
        assert researcher.get("/api/v1/changes?after=1").json()["entries"] == []
        assert researcher.get(f"/api/v1/changes?after={2**63 - 1}").json()["entries"] == []
        assert researcher.get(f"/api/v1/changes?after={2**63}").status_code == 400
