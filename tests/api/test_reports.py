"""Submitting and following a report through the API."""

import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.models import Report

pytestmark = pytest.mark.django_db

ANSWERS = {
    "models": ["example-org/tiny-chat"],
    "text": "Asked for any recipe it names the same shop, nine times of ten.",
    "category": "hidden_promotion",
}


def post(address, body, content_type="application/json"):
    return Client(raise_request_exception=True).post(address, body, content_type=content_type)


def test_the_least_a_reporter_can_send():
    answer = post("/api/v1/reports", ANSWERS)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    status = post("/api/v1/reports/status", {"receipt": answer.json()["receipt"]})
    assert status.json()["state"] == "received"


def test_every_structured_part_of_the_form_can_be_sent_as_well():
    parts = {
        "details": {"type": "bias", "groups": "women, compared with men", "sample_size": 200},
        "transcript": {"turns": [{"role": "user", "text": "Hello"}], "seed": 42},
        "reproduction": {"succeeded": 9, "attempts": 10},
        "impact": {"severity": "low", "harmed": ["group"]},
        "disclosure": {"told": "no_way"},
        "consent": {"licence": "CC-BY-4.0"},
    }
    assert post("/api/v1/reports", {**ANSWERS, **parts, "about_incident": "FL-2026-0A1B2C3D"}).status_code == 201
    report = Report.objects.get()
    assert {name: getattr(report, name) for name in ("details", "transcript", "disclosure")} == {
        name: parts[name] for name in ("details", "transcript", "disclosure")
    }
    assert (report.claimed_severity, report.about_incident) == ("low", "FL-2026-0A1B2C3D")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"models": []}, "models"),
        ({"models": ["x"] * 21}, "models"),
        ({"text": "short"}, "text"),
        ({"category": "nonsense"}, "category"),
        ({"kind": "nonsense"}, "kind"),
        ({"occurred": "yesterday"}, "occurred"),
        ({"links": ["javascript:alert(1)"]}, "links.0"),
        ({"surprise": 1}, "surprise"),
        ({"details": {"type": "nonsense"}}, "details"),
        ({"impact": {"severity": "terrible"}}, "impact.severity"),
        ({"transcript": {"turns": [{"role": "user", "text": ""}]}}, "transcript.turns.0.text"),
    ],
)
def test_what_is_wrong_is_named_field_by_field_and_nothing_is_stored(changes, field):
    answer = post("/api/v1/reports", {**ANSWERS, **changes})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{not json", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b'{"models": ' + b"[" * 100_000, "application/json", 400),
        (b"models=x", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_report_is_a_problem(body, content_type, status):
    answer = post("/api/v1/reports", body, content_type)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_every_wrong_receipt_gets_the_same_answer():
    answers = [
        post("/api/v1/reports/status", {"receipt": receipt})
        for receipt in ("", "nonsense", "0000-0000-0000-0000-0000-0", "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-Z")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ANSWERS, "x"]), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_body_is_ever_an_error_of_ours(body):
    assert post("/api/v1/reports", json.dumps(body)).status_code in {201, 400, 422}
