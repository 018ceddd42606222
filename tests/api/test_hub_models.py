"""Models through the API: only what published records name."""

import pytest
from django.test import Client

from catalogue.lookups import look_up_due
from reports import workflow
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/models/huggingface/example-org/tiny-chat"


def test_a_model_of_an_undecided_report_is_not_there_at_all(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.report()
        look_up_due()
    unknown = Client().get("/api/v1/models/huggingface/nobody/ever-named-this")
    pending = Client().get(ADDRESS)
    assert pending.status_code == unknown.status_code == 404
    assert pending.content == unknown.content
    assert Client().get("/models/huggingface/example-org/tiny-chat/").status_code == 404


def test_once_published_it_shows_identity_hub_facts_and_records(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        incident = factories.published_incident()
        look_up_due()
    model = Client().get(ADDRESS).json()
    assert model["name"] == "example-org/tiny-chat"
    assert model["stable_id"] == example_model("example-org/tiny-chat")["_id"]
    assert model["purl"] == "pkg:huggingface/example-org/tiny-chat"
    assert model["hub_facts"]["revision"] == example_model("example-org/tiny-chat")["sha"]
    assert [record["id"] for record in model["incidents"]] == [incident.public_id]


def test_after_a_rename_every_name_leads_to_the_same_records(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        hub.rename("example-org/tiny-chat", "new-org/tiny-chat")
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
    for name in ("example-org/tiny-chat", "new-org/tiny-chat", "NEW-org/Tiny-Chat"):
        assert Client().get(f"/api/v1/models/huggingface/{name}").json()["name"] == "new-org/tiny-chat"


def test_a_name_that_only_a_pending_report_used_is_not_shown(settings):
    with StandInHub([example_model("old-secret/name", author="example-org")]) as hub:
        hub.rename("old-secret/name", "example-org/tiny-chat")
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        factories.report(models=("old-secret/name",))
        look_up_due()
    assert "old-secret" not in Client().get(ADDRESS).content.decode()


def test_a_withdrawn_record_takes_its_model_out_of_sight():
    case = factories.published_case()
    assert Client().get(ADDRESS).status_code == 200
    workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was a test.")
    assert Client().get(ADDRESS).status_code == 404
