"""Files through the API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lib import uploads
from reports.models import Evidence, Report
from tests.api.test_reports import ANSWERS
from tests.stand_ins import files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    """An empty folder."""
    settings.EVIDENCE_ROOT = tmp_path
    return tmp_path


def upload(content=b"a line of evidence\n", name="notes.md"):
    return SimpleUploadedFile(name, content)


def send(path="/api/v1/reports", **parts):
    return Client().post(path, parts)


def errors(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def test_a_report_is_sent_as_a_form_with_its_files():
    answer = send(report=json.dumps(ANSWERS), evidence=[upload(), upload(files.image("PNG"), "a.png")])
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert [one.name for one in Report.objects.get().evidence.all()] == ["notes.md", "a.png"]


def test_every_refused_file_is_named_and_nothing_is_stored():
    wrong = [upload(files.archive(a=b"b"), "a.zip"), upload(), upload(files.png_bomb(), "b.png")]
    answer = send(report=json.dumps(ANSWERS), evidence=wrong)
    assert answer.status_code == 422
    assert [name for name, _ in errors(answer)] == ["a.zip", "b.png"]
    assert not Report.objects.exists()


def test_what_is_wrong_with_the_report_comes_before_any_file_is_looked_at(root):
    answer = send(report=json.dumps({**ANSWERS, "text": "short"}), evidence=[upload(files.archive(a=b"b"))])
    assert answer.status_code == 422
    assert [field for field, _ in errors(answer)] == ["text"]
    assert list(root.rglob("*")) == []


@pytest.mark.parametrize("report", ["{not json", "[" * 100_000, "null", "[]", ""])
def test_a_part_that_is_no_report_is_a_problem(report):
    answer = send(report=report, evidence=upload())
    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == "application/problem+json"


def test_files_beyond_the_bounds_are_refused_by_name(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1_000_000)
    answer = send(report=json.dumps(ANSWERS), evidence=upload(bytes(1_500_000), "film.mp4"))
    assert errors(answer) == [("film.mp4", "The file is larger than 1 MB.")]
    monkeypatch.setattr(uploads, "MOST_BODY_BYTES", 1000)
    assert send(report=json.dumps(ANSWERS), evidence=upload(bytes(2000))).status_code == 413
    assert not Report.objects.exists()


def test_a_broken_form_is_a_problem():
    answer = Client().post("/api/v1/reports", b"--x\r\nbroken", content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_evidence_is_added_with_the_receipt():
    receipt = Client().post("/api/v1/reports", ANSWERS, content_type="application/json").json()["receipt"]
    answer = send("/api/v1/reports/evidence", receipt=receipt, evidence=upload())
    assert answer.status_code == 201
    assert answer.json() == {"added": [{"name": "notes.md", "sha256": Evidence.objects.get().original_sha256}]}
    again = send("/api/v1/reports/evidence", receipt=receipt, evidence=upload())
    assert errors(again) == [("evidence", "notes.md is attached already.")]
    assert send("/api/v1/reports/evidence", receipt=receipt).status_code == 422


def test_an_unknown_receipt_makes_no_work(root):
    for receipt in ("", "nonsense", "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-Z"):
        answer = send("/api/v1/reports/evidence", receipt=receipt, evidence=upload())
        assert answer.status_code == 404
        assert answer.json()["type"] == "/api/problems/unknown-receipt"
    assert list(root.rglob("*")) == []


def test_a_result_file_makes_a_report_and_what_is_said_goes_before_what_it_says():
    said = {"category": "hidden_promotion", "models": ["pkg:huggingface/example-org/tiny-chat"]}
    answer = send(
        "/api/v1/reports/from-results",
        report=json.dumps(said),
        results=upload(files.garak_report(), "garak.report.jsonl"),
        evidence=upload(),
    )
    assert answer.status_code == 201
    report = Report.objects.get()
    assert report.title.startswith("garak: 1 of 2 probes got through")
    assert (report.kind, report.occurred) == ("measurement", "2026-10-03")
    assert "private answer" not in report.text
    assert [named.asked for named in report.named_models.all()] == said["models"]
    assert [one.name for one in report.evidence.all()] == ["garak.report.jsonl", "notes.md"]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"report": "{}", "results": upload(files.garak_report(), "g.jsonl")}, "category"),
        ({"report": "{}", "results": upload(b'{"a":1}', "g.jsonl")}, "g.jsonl"),
        ({"report": "{}"}, "results"),
        ({"report": "{}", "results": [upload(name="1"), upload(b"2", name="2")]}, "results"),
    ],
)
def test_what_a_result_file_does_not_say_or_is_not_is_named(parts, field):
    answer = send("/api/v1/reports/from-results", **parts)
    assert answer.status_code == 422
    assert [name for name, _ in errors(answer)] == [field]
    assert not Report.objects.exists()
