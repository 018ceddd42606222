"""Models through the API: only what published records name."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Drift, Inspection, Model, Snapshot
from incidents import position
from reports import workflow
from reports.models import RejectReason
from tests import factories
from tests.catalogue.test_inspections import EVIL, torch_zip
from tests.stand_ins.huggingface import StandInHub, example_model, example_verdict
from tests.stand_ins.ranges import StandInFiles

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


def answers_of(*addresses):
    """Status, body and number of queries: everything by which a visitor could tell two worlds apart."""
    found = []
    for address in addresses:
        position.forget()
        with CaptureQueriesContext(connection) as queries:
            answer = Client().get(address)
        found.append((answer.status_code, answer.content, answer.get("ETag"), len(queries)))
    return found


def test_a_pending_report_changes_nothing_that_anybody_can_see(settings):
    """A published model has a former name; then somebody reports it under that name, and another model besides."""
    chain = [
        example_model("old-secret/name", author="example-org"),
        example_model("other-secret/model", tags=["base_model:finetune:example-org/tiny-chat"]),
    ]
    with StandInHub(chain) as hub:
        hub.rename("old-secret/name", "example-org/tiny-chat")
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
        addresses = [
            f"{prefix}/huggingface/{name}{suffix}"
            for prefix, suffix in (("/api/v1/models", ""), ("/models", "/"))
            for name in ("example-org/tiny-chat", "old-secret/name", "other-secret/model", "never/named")
        ] + ["/", "/incidents/", "/api/v1/incidents", "/api/v1/changes"]
        before = answers_of(*addresses)
        factories.report(models=("old-secret/name", "other-secret/model"))
        look_up_due()
        assert answers_of(*addresses) == before


def test_what_a_hub_says_of_a_private_repository_stays_with_us(settings):
    with StandInHub([example_model("example-org/tiny-chat", private=True)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        case = factories.worded_case()
        look_up_due()
        workflow.publish(case=case, by=factories.moderator())
    model = Client().get(ADDRESS).json()
    assert model["hub_facts"] is None
    assert model["openness"] is None
    assert model["incidents"][0]["affected"][0]["observed"] is None


def test_changes_from_before_the_first_record_are_not_told(settings):
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        rejected = factories.report()
        workflow.reject(report=rejected, by=factories.moderator(), reason=RejectReason.SPAM)
        look_up_due()
        model = Model.objects.get()
        Drift.objects.create(model=model, change="licence_changed", noticed_at=timezone.now() - timedelta(days=400))
        factories.rewrite(Snapshot.objects.all(), taken_at=timezone.now() - timedelta(days=400))
        factories.published_incident()
    shown = Client().get(ADDRESS).json()
    assert shown["changes"] == []
    assert shown["hub_facts"]["taken_at"][:10] == timezone.now().date().isoformat()
    assert shown["incidents"][0]["affected"][0]["observed"]["at"][:10] == timezone.now().date().isoformat()


def test_a_withdrawn_record_takes_its_model_out_of_sight():
    case = factories.published_case()
    assert Client().get(ADDRESS).status_code == 200
    workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was a test.")
    assert Client().get(ADDRESS).status_code == 404


def test_how_open_it_is_is_answered_by_dimension_with_evidence(settings):
    with StandInHub([example_model("example-org/tiny-chat", gated="auto")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
    openness = Client().get(ADDRESS).json()["openness"]
    assert openness["dimensions"]["weights"]["value"] == "published"
    assert openness["dimensions"]["licence_osi"]["value"] == "approved"
    assert openness["dimensions"]["gating"]["value"] == "automatic"
    assert openness["dimensions"]["card"]["evidence"]
    assert openness["open_source_ai_definition"]["answer"] in {"cannot meet", "undetermined"}


class TestFiles:
    """A torch zip whose pickle runs a command; the hub's scanners say nothing of it."""

    @pytest.fixture(autouse=True)
    def _hub(self, settings):
        with StandInFiles(host="localhost") as files, StandInHub([example_model("example-org/tiny-chat")]) as hub:
            settings.HUB_ENDPOINTS = {"huggingface": hub.url}
            hub.cdn = files
            hub.put_file("example-org/tiny-chat", "pytorch_model.bin", torch_zip(EVIL), example_verdict("safe"))
            yield

    def test_what_was_found_is_shown_without_what_tells_of_reports(self):
        factories.published_incident()
        look_up_due()
        assert Client().get(ADDRESS).json()["file_safety"] is None
        inspect_due()
        model = Client().get(ADDRESS).json()
        assert model["inspected_at"][:10] == timezone.now().date().isoformat()
        assert model["inspected_revision"] == example_model("example-org/tiny-chat")["sha"]
        file = next(each for each in model["file_safety"]["files"] if each["path"] == "pytorch_model.bin")
        assert (file["format"], file["scan"]["outcome"]) == ("torch_zip", "dangerous")
        assert file["scan"]["globals"][0] == {"module": "posix", "name": "system", "danger": "dangerous"}
        assert {verdict["meaning"] for verdict in file["hub_verdicts"]} == {"no_issues_reported"}
        assert not {"scanned_at", "cost"} & set(file["scan"])
        assert not {'"safe"', '"clean"'} & set(str(model["file_safety"]).replace("'", '"').split())

    def test_a_look_from_before_the_first_record_is_shown_without_its_time(self):
        case = factories.worded_case()
        look_up_due()
        inspect_due()
        earlier = timezone.now() - timedelta(minutes=1)
        factories.rewrite(Snapshot.objects.all(), taken_at=earlier)
        Inspection.objects.update(inspected_at=earlier)
        workflow.publish(case=case, by=factories.moderator())
        model = Client().get(ADDRESS).json()
        assert model["file_safety"]["files"]
        assert (model["inspected_at"], model["inspected_revision"]) == (None, "")

    def test_a_look_into_a_private_repository_stays_with_us(self):
        factories.published_incident()
        look_up_due()
        inspect_due()
        factories.rewrite(Snapshot.objects.all(), private=True)
        assert Client().get(ADDRESS).json()["file_safety"] is None
        known = Snapshot.objects.get()
        known.pk, known.private, known.taken_at = None, False, timezone.now()
        known.save()
        model = Client().get(ADDRESS).json()
        assert model["hub_facts"] is not None
        assert (model["file_safety"], model["inspected_at"]) == (None, None)
        Inspection.objects.update(inspected_at=timezone.now())
        assert Client().get(ADDRESS).json()["file_safety"] is not None


class TestLineage:
    """A chain of three: org/quant from org/chat from org/base."""

    @pytest.fixture(autouse=True)
    def _hub(self, settings):
        chain = [
            example_model("org/quant", tags=["base_model:quantized:org/chat"]),
            example_model("org/chat", tags=["base_model:finetune:org/base"]),
            example_model("org/base"),
        ]
        with StandInHub(chain) as hub:
            settings.HUB_ENDPOINTS = {"huggingface": hub.url}
            yield

    def get(self, name):
        return Client().get(f"/api/v1/models/huggingface/{name}")

    def test_a_record_on_a_base_is_inherited_with_the_way_to_it(self):
        on_base = factories.published_incident(reported=factories.report(models=("org/base",)))
        factories.published_case(reported=factories.report(models=("org/quant",)), title="Another thing altogether")
        look_up_due()
        model = self.get("org/quant").json()
        inherited = model["inherited"][0]
        assert inherited["id"] == on_base.public_id
        assert inherited["base"]["way"] == ["org/quant", "org/chat", "org/base"]
        assert inherited["base"]["relations"] == ["quantized", "finetune"]
        assert [each["name"] for each in self.get("org/base").json()["derivatives"]] == ["org/quant"]

    def test_the_bases_of_a_named_model_may_be_seen(self):
        factories.published_case(reported=factories.report(models=("org/quant",)))
        look_up_due()
        assert self.get("org/chat").json()["incidents"] == []
        assert self.get("org/base").status_code == 200

    def test_a_derivative_that_only_a_pending_report_names_stays_out_of_sight(self):
        factories.published_case(reported=factories.report(models=("org/base",)))
        factories.report(models=("org/quant",))
        look_up_due()
        assert self.get("org/quant").status_code == 404
        assert self.get("org/chat").status_code == 404
        assert b"quant" not in self.get("org/base").content
        assert b"org/chat" not in self.get("org/base").content

    def test_being_named_as_not_affected_hands_nothing_down(self):
        case = factories.worded_case(reported=factories.report(models=("org/base",)))
        case.models.update(status="not_affected")
        workflow.publish(case=case, by=factories.moderator())
        factories.published_case(reported=factories.report(models=("org/quant",)))
        look_up_due()
        assert self.get("org/quant").json()["inherited"] == []


def test_a_base_with_many_derivatives_costs_no_more_queries(django_assert_max_num_queries):
    from catalogue.hub import BaseModelClaim, Reference
    from catalogue.lineage import keep_claims
    from catalogue.naming import name_model

    factories.published_case(reported=factories.report(models=("org/base",)))
    counts = []
    for number in (1, 40):
        for each in range(number):
            child = name_model(Reference("huggingface", f"org/child{number}-{each}")).model
            keep_claims(child, [BaseModelClaim("org/base")], "tag")
        with django_assert_max_num_queries(20) as captured:
            assert Client().get("/api/v1/models/huggingface/org/base").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
