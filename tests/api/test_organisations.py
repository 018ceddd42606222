"""Organisations through the API."""

import json

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalogue.lookups import look_up_due
from incidents import public_names
from incidents.models import Publication
from incidents.publishing import publish
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/organisations"


def record(*names, **changes):
    status = changes.pop("of", "affected")
    affected = [{"hub": "huggingface", "name": name, "match": "repository", "status": status} for name in names]
    return publish(factories.record(affected=affected, **changes)).incident


def get(path=""):
    answer = Client().get(f"{ADDRESS}{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_an_organisation_counts_what_concerns_its_models():
    record("Org/a", "org/b", category="backdoor", severity="high")
    record("org/a", severity="low", published="2025-07-01T00:00:00Z", modified="2025-07-01T00:00:00Z")
    record("org/c", of="not_affected")
    record("org/a", kind="hazard")
    record("organisation/a")
    found = get("/huggingface/ORG")
    assert (found["name"], found["incidents"], found["records"]) == ("org", 2, 2)
    assert found["by_category"] == [
        {"value": "backdoor", "events": 1, "records": 1},
        {"value": "hidden_promotion", "events": 1, "records": 1},
    ]
    assert [(one["value"], one["events"]) for one in found["by_severity"]] == [("high", 1), ("low", 1)]
    assert [(one["value"], one["events"]) for one in found["by_year"]] == [("2025", 1), ("2026", 1)]
    assert [(one["value"], one["events"]) for one in found["by_kind"]] == [("hazard", 1), ("incident", 2)]
    assert [model["name"] for model in found["models"]] == ["Org/a", "org/b", "org/c"]
    assert [model["direct"] for model in found["models"]] == [
        {"records": 3, "incidents": 2},
        {"records": 1, "incidents": 1},
        {"records": 0, "incidents": 0},
    ]
    assert found["log_number"] == Publication.objects.count()


def test_models_that_are_left_out_are_a_list_that_goes_on(monkeypatch):
    monkeypatch.setattr(public_names, "MOST_PER_PAGE", 2)
    record("Org/a", "org/b", "org/c", "other/a")
    found = get("/huggingface/Org")
    assert [model["name"] for model in found["models"]] == ["Org/a", "org/b"]
    answer = Client().get(found["models_next"].removeprefix(settings.BASE_URL))
    assert [model["name"] for model in answer.json()["items"]] == ["org/c"]
    assert answer.json()["next"] is None


def test_a_cursor_is_good_for_its_list_alone():
    record("Org/a", "other/b")
    following = Client().get(ADDRESS, {"limit": 1}).json()["next"]
    cursor = following.rpartition("cursor=")[2]
    assert Client().get(ADDRESS, {"cursor": cursor}).status_code == 200
    answer = Client().get(ADDRESS, {"cursor": cursor, "hub": "huggingface"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/api/problems/bad-cursor")


def test_what_publishers_say_stands_with_it():
    statement = {
        "by": "Org",
        "at": "2026-03-02T00:00:00Z",
        "text": "Fixed since.",
        "statuses": [
            {"hub": "huggingface", "name": "org/a", "revision": None, "status": "not_affected", "fixed_in": None},
            {"hub": "huggingface", "name": "other/b", "revision": None, "status": "affected", "fixed_in": None},
        ],
    }
    incident = record("org/a", "other/b", statements=(statement,))
    told = {**statement, "record": incident.public_id}
    assert get("/huggingface/org")["statements"] == [{**told, "statuses": statement["statuses"][:1]}]
    assert get("/huggingface/other")["statements"] == [{**told, "statuses": statement["statuses"][1:]}]
    model = Client().get("/api/v1/models/huggingface/other/b").json()
    assert model["statements"] == [{**told, "statuses": statement["statuses"][1:]}]


def test_the_list_is_paged_by_name_and_counts_models_and_records():
    for number in range(7):
        record(f"org-{number}/a", f"org-{number}/b")
    record("org-3/a", kind="exercise")
    record("no-organisation")
    publish(factories.record(affected=({"hub": "kaggle", "name": "org-1/x", "match": "repository"},)))
    address, seen = f"{ADDRESS}?limit=3", []
    while address:
        page = Client().get(address).json()
        seen += [(one["hub"], one["name"], one["models"]) for one in page["items"]]
        address = page["next"]
    assert seen == [*(("huggingface", f"org-{number}", 2) for number in range(7)), ("kaggle", "org-1", 1)]
    counts = {one["name"]: one["counts"] for one in get("?hub=huggingface")["items"]}
    assert counts["org-3"] == {"records": 2, "incidents": 1}
    assert get("?hub=kaggle")["items"][0]["address"].endswith("/api/v1/organisations/kaggle/org-1")


@pytest.mark.parametrize("path", ["/huggingface/nobody", "/nohub/org", "/huggingface/%00", "/huggingface/o%25"])
def test_what_is_not_public_is_not_there(path):
    record("org/a")
    assert Client().get(f"{ADDRESS}{path}").status_code == 404


def test_a_withdrawn_record_takes_its_organisation_away():
    case = factories.published_case()
    assert get("/huggingface/example-org")["incidents"] == 1
    from reports import workflow

    workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was a test.")
    assert Client().get(f"{ADDRESS}/huggingface/example-org").status_code == 404
    assert get()["items"] == []


def test_a_pending_report_changes_nothing(settings):
    chain = [
        example_model("example-org/tiny-chat", tags=["base_model:finetune:base-org/base"]),
        example_model("base-org/base"),
        example_model("secret-org/model", tags=["base_model:finetune:example-org/tiny-chat"]),
        example_model("example-org/secret"),
    ]
    addresses = [ADDRESS, *(f"{ADDRESS}/huggingface/{one}-org" for one in ("example", "base", "secret"))]

    def answers():
        found = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                answer = Client().get(address)
            found.append((answer.status_code, answer.content, answer.get("ETag"), len(queries)))
        return found

    with StandInHub(chain) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
        before = answers()
        assert [status for status, *_ in before] == [200, 200, 200, 404]
        assert [one["name"] for one in json.loads(before[0][1])["items"]] == ["base-org", "example-org"]
        factories.report(models=("secret-org/model", "example-org/secret"))
        look_up_due()
        assert answers() == before
