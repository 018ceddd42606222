"""The list of models, and the long parts of one, page by page: only what published records name."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalogue.hub import BaseModelClaim, Reference
from catalogue.lineage import keep_claims
from catalogue.lookups import look_up_due
from catalogue.models import Drift, Lookup, Model, Snapshot
from catalogue.naming import name_model
from incidents.publishing import publish
from reports import workflow
from tests import factories
from tests.incidents.recount import NAMES, in_force, publish_random, read_all
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/models"


def record(*names, **changes):
    status = changes.pop("of", "affected")
    affected = [{"hub": "huggingface", "name": name, "match": "repository", "status": status} for name in names]
    return publish(factories.record(affected=affected, **changes)).incident


def get(path="", **query):
    answer = Client().get(f"{ADDRESS}{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def walk(path="", **query):
    """Every item, page by page."""
    page, items = get(path, **query), []
    while True:
        items += page["items"]
        if page["next"] is None:
            return items
        answer = Client().get(page["next"])
        page = answer.json()


def names_of(items):
    return [item["name"] for item in items]


@pytest.fixture
def family(settings):
    """org/quant from org/chat from base-org/base, and another model; each as its hub says."""
    chain = [
        example_model("org/quant", tags=["base_model:quantized:org/chat", "license:mit"]),
        example_model("org/chat", tags=["base_model:finetune:base-org/base", "license:apache-2.0"], gated="auto"),
        example_model("base-org/base", tags=["license:mit"]),
        example_model("other/model", tags=["license:mit"]),
    ]
    with StandInHub(chain) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield hub


def published(name, **changes):
    return factories.published_incident(reported=factories.report(models=(name,)), **changes)


class TestTheList:
    @pytest.mark.usefixtures("family")
    def test_it_has_every_model_that_records_name_and_their_bases(self):
        published("org/quant")
        published("other/model", title="Another thing altogether")
        look_up_due()
        record("nobody/looked-this-up", kind="hazard")
        items = get()["items"]
        assert names_of(items) == ["base-org/base", "nobody/looked-this-up", "org/chat", "org/quant", "other/model"]
        assert items[3]["purl"] == "pkg:huggingface/org/quant"
        assert items[3]["organisation"] == "huggingface/org"
        assert items[3]["stable_id"] == example_model("org/quant")["_id"]
        assert items[1]["direct"] == {"records": 1, "incidents": 0}
        for item in items:
            assert Client().get(item["url"]).json()["name"] == item["name"]

    @pytest.mark.usefixtures("family")
    def test_it_counts_direct_and_inherited_records_as_each_model_does(self):
        case = factories.worded_case(reported=factories.report(models=("base-org/base", "org/quant")))
        workflow.publish(case=case, by=factories.moderator())
        published("base-org/base", title="On the base alone")
        published("org/chat", title="On the finetune alone")
        look_up_due()
        counts = {item["name"]: (item["direct"], item["inherited"]) for item in get()["items"]}
        assert counts["org/quant"] == ({"records": 1, "incidents": 1}, {"records": 2, "incidents": 2})
        assert counts["org/chat"] == ({"records": 1, "incidents": 1}, {"records": 2, "incidents": 2})
        assert counts["base-org/base"] == ({"records": 2, "incidents": 2}, {"records": 0, "incidents": 0})
        for name, (direct, inherited) in counts.items():
            model = get(f"/huggingface/{name}")
            assert (model["direct"], model["inherited_counts"]) == (direct, inherited)
            assert len(model["inherited"]) == inherited["records"]

    @pytest.mark.usefixtures("family")
    def test_filters(self):
        for name in ("org/quant", "other/model"):
            published(name, title=f"Something about {name}")
        look_up_due()
        record("Nobody/Looked_this-up")
        publish(factories.record(affected=({"hub": "kaggle", "name": "org/k", "match": "repository"},)))

        def found(**query):
            return names_of(get(**query)["items"])

        assert found(hub="kaggle") == ["org/k"]
        assert found(organisation="huggingface/ORG") == ["org/chat", "org/quant"]
        assert found(organisation="huggingface/nobody") == ["Nobody/Looked_this-up"]
        assert found(q="OOKED_this") == ["Nobody/Looked_this-up"]
        assert found(q="looked%this") == found(q="lookedxthis") == found(q="looked\\_this") == []
        assert found(base_model="huggingface/base-org/base") == ["org/chat", "org/quant"]
        assert found(base_model="huggingface/Nobody/looked_this-up") == []
        assert found(openness="gating:automatic") == ["org/chat"]
        assert found(has_incidents="true", hub="huggingface") == ["Nobody/Looked_this-up", "org/quant", "other/model"]
        assert found(has_incidents="false") == ["base-org/base", "org/chat"]
        licences = {item["name"]: item["licence"] for item in get()["items"]}
        assert licences["org/chat"]
        assert found(licence=licences["org/chat"].upper()) == [
            name for name, licence in licences.items() if licence == licences["org/chat"]
        ]

    @pytest.mark.parametrize(
        "query",
        [
            "has_incidents=yes",
            "openness=gating",
            "openness=gating:nonsense",
            "openness=nonsense:open",
            "base_model=huggingface/never/named",
            "base_model=x",
            "cursor=zzz",
            "limit=0",
            "foo=1",
            "q=%00",
        ],
    )
    def test_what_it_cannot_filter_by_gets_a_problem(self, query):
        answer = Client().get(f"{ADDRESS}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    def test_a_walk_gives_all_once_and_agrees_with_a_recount(self):
        publish_random(random.Random(3), 60)
        documents = [document for document in read_all(Client()) if in_force(document)]
        expected = {}
        for hub, name in NAMES:
            named = [
                (
                    document,
                    {model["status"] for model in document["affected"] if (model["hub"], model["name"]) == (hub, name)},
                )
                for document in documents
            ]
            concerned = [document for document, statuses in named if statuses - {"not_affected"}]
            if hub and any(statuses for _, statuses in named):
                incidents = [document for document in concerned if document["kind"] == "incident"]
                expected[hub, name] = {"records": len(concerned), "incidents": len(incidents)}
        items = walk(limit=2)
        assert {(item["hub"], item["name"]): item["direct"] for item in items} == expected
        assert len(items) == len(expected)
        assert [(item["hub"], item["name"].lower()) for item in items] == sorted(
            (item["hub"], item["name"].lower()) for item in items
        )

    def test_it_costs_the_same_whatever_its_length(self):
        lengths = []
        for number in (1, 30):
            for each in range(number):
                record(f"org/model-{number}-{each}")
            with CaptureQueriesContext(connection) as queries:
                get()
            lengths.append(len(queries))
        assert lengths[0] == lengths[1] <= 5


class TestParts:
    def test_records_are_paged_past_the_hundredth(self):
        ids = [record("org/a", title=f"Incident number {number}").public_id for number in range(7)]
        assert [item["id"] for item in walk("/huggingface/org/a/incidents", limit=3)] == ids[::-1]
        answer = Client().get(f"{ADDRESS}/huggingface/ORG/A/incidents?limit=3")
        assert answer["Link"] == f'<{answer.json()["next"]}>; rel="next"'

    def test_stored_documents_come_byte_for_byte(self):
        incident = record("org/a")
        answer = Client().get(f"{ADDRESS}/huggingface/org/a/incidents")
        assert answer.content == b'{"items":[' + bytes(incident.document) + b'],"next":null}'
        assert (
            Client()
            .get(f"{ADDRESS}/huggingface/org/a/incidents", headers={"If-None-Match": answer["ETag"]})
            .status_code
            == 304
        )

    @pytest.mark.usefixtures("family")
    def test_inherited_records_are_paged_with_their_nearest_base(self):
        published("org/quant")
        look_up_due()
        ids = []
        for number in range(5):
            on = ("base-org/base",) if number % 2 else ("base-org/base", "org/chat")
            ids.append(record(*on, title=f"Incident number {number}").public_id)
        record("base-org/base", "org/quant", of="not_affected")
        items = walk("/huggingface/org/quant/incidents", relation="inherited", limit=2)
        assert [item["record"]["id"] for item in items] == ids[::-1]
        assert [item["base"]["way"][1:] for item in items[:2]] == [["org/chat"], ["org/chat", "base-org/base"]]
        assert items[1]["base"]["relations"] == ["quantized", "finetune"]

    @pytest.mark.usefixtures("family")
    def test_lineage_is_paged_the_nearest_first(self):
        published("org/quant")
        look_up_due()
        for number in range(4):
            name = f"child/number-{number}"
            child = name_model(Reference("huggingface", name)).model
            keep_claims(child, [BaseModelClaim("org/quant", "finetune")], "tag")
            record(name)
        secret = name_model(Reference("huggingface", "secret/child")).model
        keep_claims(secret, [BaseModelClaim("org/quant")], "tag")
        up = walk("/huggingface/org/quant/lineage", limit=1)
        assert [one["way"] for one in up] == [["org/quant", "org/chat"], ["org/quant", "org/chat", "base-org/base"]]
        down = walk("/huggingface/base-org/base/lineage", direction="down", limit=2)
        assert names_of(down) == ["org/quant", *(f"child/number-{number}" for number in range(4))]
        assert get("/huggingface/base-org/base")["derivatives_total"] == 5

    def test_snapshots_and_drift_are_those_since_the_first_record(self, family):
        published("org/chat")
        look_up_due()
        for _ in range(3):
            family.move_on("org/chat")
            Lookup.objects.update(due_at=timezone.now())
            look_up_due()
        snapshots = walk("/huggingface/org/chat/snapshots", limit=2)
        assert len(snapshots) == 4
        assert snapshots == sorted(snapshots, key=lambda one: one["taken_at"], reverse=True)
        assert snapshots[0]["revision"] == get("/huggingface/org/chat")["hub_facts"]["revision"]
        model = Model.objects.get(name="org/chat")
        for change in ("licence_changed", "weights_replaced"):
            Drift.objects.create(model=model, change=change)
        Drift.objects.create(model=model, change="gated", noticed_at=timezone.now() - timedelta(days=400))
        drift = walk("/huggingface/org/chat/drift", limit=1)
        assert [one["change"] for one in drift] == ["weights_replaced", "licence_changed"]
        earlier = timezone.now() - timedelta(days=400)
        oldest = Snapshot.objects.filter(model__name="org/chat").order_by("pk").first()
        factories.rewrite(Snapshot.objects.filter(pk=oldest.pk), taken_at=earlier)
        newest = Snapshot.objects.filter(model__name="org/chat").order_by("pk").last()
        factories.rewrite(Snapshot.objects.filter(pk=newest.pk), private=True)
        assert len(walk("/huggingface/org/chat/snapshots")) == 2
        assert walk("/huggingface/base-org/base/snapshots") == []

    def test_a_model_whose_name_ends_in_the_word_of_a_part_is_that_model(self):
        record("org")
        record("org/incidents")
        assert get("/huggingface/org/incidents")["name"] == "org/incidents"
        assert len(get("/huggingface/org/incidents/incidents")["items"]) == 1
        assert get("/huggingface/org")["total"] == 1

    @pytest.mark.parametrize("part", ["incidents", "lineage", "snapshots", "drift"])
    def test_of_what_is_not_public_there_is_no_part(self, part):
        factories.report(models=("org/a",))
        for name in ("org/a", "never/named"):
            assert Client().get(f"{ADDRESS}/huggingface/{name}/{part}").status_code == 404
        record("org/b")
        for query in ("cursor=zzz", "limit=101", "foo=1"):
            assert Client().get(f"{ADDRESS}/huggingface/org/b/{part}?{query}").status_code == 400


def test_a_pending_report_changes_nothing_in_lists_and_parts(settings):
    chain = [
        example_model("example-org/tiny-chat", tags=["base_model:finetune:org/base"]),
        example_model("org/base"),
        example_model("secret/child", tags=["base_model:finetune:example-org/tiny-chat"]),
        example_model("old-secret/name", author="example-org"),
    ]
    parts = [
        f"{ADDRESS}/huggingface/{name}{part}"
        for name in ("example-org/tiny-chat", "secret/child", "org/base", "never/named")
        for part in (
            "",
            "/incidents",
            "/incidents?relation=inherited",
            "/lineage?direction=down",
            "/snapshots",
            "/drift",
        )
    ]
    lists = [
        f"{ADDRESS}{query}"
        for query in (
            "",
            "?q=secret",
            "?organisation=huggingface/secret",
            "?base_model=huggingface/org/base",
            "?base_model=huggingface/secret/child",
            "?has_incidents=false",
            "?openness=weights:published",
        )
    ]

    def answers():
        found = []
        for address in [*lists, *parts]:
            with CaptureQueriesContext(connection) as queries:
                answer = Client().get(address)
            found.append((address, answer.status_code, answer.content, answer.get("ETag"), len(queries)))
        return found

    with StandInHub(chain) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        look_up_due()
        before = answers()
        factories.report(models=("secret/child", "org/base", "example-org/tiny-chat"))
        look_up_due()
        assert Model.objects.filter(name="secret/child").exists()
        assert answers() == before
