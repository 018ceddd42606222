"""Am I affected, through the API."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import cyclonedx
import jsonschema
import pytest
import referencing
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from incidents import publishing
from incidents.record import AffectedModel, Match
from tests import factories

pytestmark = pytest.mark.django_db

SHA = "ab" * 20
NAME = "example-org/tiny-chat"


def post(path, document, **headers):
    return Client().post(f"/api/v1/{path}", json.dumps(document), content_type="application/json", headers=headers)


def publish(**changes):
    affected = AffectedModel(hub="huggingface", name=NAME, revision=SHA, match=Match.REVISION)
    return publishing.publish(factories.record(affected=(affected,), **changes)).incident


def bom(*components):
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": list(components)}


def model(**fields):
    return {"type": "machine-learning-model", "bom-ref": "m-1", "name": "tiny-chat"} | fields


def test_each_item_is_answered_in_its_place():
    incident = publish()
    answer = post("check", {"items": [f"pkg:huggingface/{NAME}@{SHA}", "what is this?", {"id": "org/unheard-of"}]})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    document = answer.json()
    assert (document["components"], document["affected"], document["log_number"]) == (3, 1, 1)
    hit, unread, unknown = document["results"]
    assert hit["affected"] is True
    assert hit["understood"][0]["purl"] == f"pkg:huggingface/{NAME}@{SHA}"
    (record,) = hit["records"]
    assert (record["id"], record["level"], record["verdict"]) == (incident.public_id, "revision", "affected")
    assert Client().get(urlsplit(record["url"]).path).status_code == 200
    assert unread["problem"]
    assert unread["records"] == []
    assert unknown["problem"] == ""
    assert unknown["affected"] is False


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"items": []},
        {"items": ["x"] * 1001},
        {"items": [3]},
        {"items": [{"name": "x"}]},
        {"items": ["x"], "y": 1},
    ],
)
def test_a_question_that_cannot_be_read_is_refused_with_the_field(document):
    answer = post("check", document)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/api/problems/invalid-question"
    assert answer.json()["errors"]


def test_a_bill_of_materials_is_answered_component_by_component():
    publish()
    answer = post(
        "check/bom",
        bom(
            model(purl=f"pkg:huggingface/{NAME}@{SHA[:8]}"),
            model(**{"bom-ref": "m-2"}, purl="pkg:huggingface/other/model"),
            {"type": "library", "name": "requests", "purl": "pkg:pypi/requests@2"},
        ),
    ).json()
    assert (answer["components"], answer["affected"]) == (3, 1)
    assert [(item["ref"], item["affected"]) for item in answer["results"]] == [("m-1", True), ("m-2", False)]
    assert answer["results"][0]["records"][0]["level"] == "unique_prefix"


def test_real_bills_say_main_and_1_0_and_are_answered_by_the_level_that_is_left():
    publish()
    items = [model(purl=f"pkg:huggingface/{NAME}@main"), model(purl=f"pkg:huggingface/{NAME}@1.0")]
    answer = post("check/bom", bom(*items)).json()
    assert [item["records"][0]["level"] for item in answer["results"]] == ["repository", "repository"]
    assert [item["records"][0]["verdict"] for item in answer["results"]] == ["possibly_affected"] * 2


def test_the_answer_as_cyclonedx_is_valid_and_points_back_at_the_components():
    incident = publish(severity="high")
    answer = post(
        "check/bom",
        bom(model(purl=f"pkg:huggingface/{NAME}@{SHA}"), model(**{"bom-ref": "m-2"}, purl=f"pkg:huggingface/{NAME}")),
        Accept="application/vnd.cyclonedx+json",
    )
    assert answer["Content-Type"] == "application/vnd.cyclonedx+json"
    document = answer.json()
    folder = Path(cyclonedx.__file__).parent / "schema" / "_res"
    schemas = {path.name.replace(".SNAPSHOT", ""): json.loads(path.read_text()) for path in folder.glob("*.json")}
    known = [
        (address, referencing.Resource.from_contents(schema, default_specification=referencing.jsonschema.DRAFT7))
        for name, schema in schemas.items()
        for address in (name, f"http://cyclonedx.org/schema/{name}")
    ]
    registry = referencing.Registry().with_resources(known)
    jsonschema.Draft7Validator(schemas["bom-1.6.schema.json"], registry=registry).validate(document)
    assert [one["affects"] for one in document["vulnerabilities"]] == [[{"ref": "m-1"}], [{"ref": "m-2"}]]
    assert [one["analysis"]["state"] for one in document["vulnerabilities"]] == ["exploitable", "in_triage"]
    assert {one["id"] for one in document["vulnerabilities"]} == {incident.public_id}


def test_a_bill_is_read_under_whatever_media_type_a_tool_sends():
    publish()
    content = json.dumps(bom(model(purl=f"pkg:huggingface/{NAME}@{SHA}")))
    for kind in ("application/json", "application/vnd.cyclonedx+json", "application/spdx+json", "text/plain"):
        assert Client().post("/api/v1/check/bom", content, content_type=kind).json()["affected"] == 1


@pytest.mark.parametrize("content", ["{", "[]", "null", '{"bomFormat": "other"}', "[" * 100_000, "\ufeff", "NaN"])
def test_what_is_no_bill_is_refused_with_a_problem(content):
    answer = Client().post("/api/v1/check/bom", content, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == "application/problem+json"


def test_a_body_beyond_the_limit_is_too_large():
    answer = Client().post("/api/v1/check", b'{"items":["' + b"x" * 2_100_000, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["type"] == "/api/problems/too-large"


class AnyQuestion(TestCase):
    @given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=5))
    def test_no_text_breaks_it(self, items):
        answer = post("check", {"items": items})
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == len(items)
