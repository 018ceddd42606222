"""What a submission may say beyond its text: valid once for every door, kept as columns, nothing else changed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lib.seal import unseal
from reports import workflow
from reports.models import Credit, Report
from reports.submission import Submission, problems_in
from tests import factories
from tests.factories import submission

TODAY = datetime.now(UTC).date()
EVERYTHING = {
    "details": {"type": "artefact", "trigger": "cobalt", "file": "model.bin", "sha256": "a" * 64, "loader": "torch 2"},
    "transcript": {
        "turns": [{"role": "user", "text": "Hello\x00"}, {"role": "assistant", "text": "Buy it."}],
        "temperature": 0.7,
        "seed": 42,
    },
    "reproduction": {"basis": "reproduced", "succeeded": 9, "attempts": 10, "steps": "Ask."},
    "impact": {"severity": "high", "prevalence": "many", "harmed": ["users", "children"]},
    "disclosure": {"told": "yes", "told_on": "2026-03", "embargo_until": str(TODAY + timedelta(days=90))},
    "consent": {"share_contact": True, "credit": True, "credit_name": "Ana Nym", "licence": "CC-BY-4.0"},
    "about_incident": "FL-2026-0A1B2C3D",
    "contact": "ana@example.org",
}


@pytest.mark.django_db
def test_every_part_is_kept_in_its_column_and_the_name_to_thank_is_sealed():
    report = workflow.submit(submission=submission(**EVERYTHING), source="api").report
    report.refresh_from_db()
    assert report.details == EVERYTHING["details"]
    assert report.transcript["turns"][0] == {"role": "user", "text": "Hello"}
    assert report.reproduction == EVERYTHING["reproduction"]
    assert (report.claimed_severity, report.impact["harmed"]) == ("high", ["users", "children"])
    assert report.embargo_wish == TODAY + timedelta(days=90)
    assert report.about_incident == "FL-2026-0A1B2C3D"
    assert report.consent == {"share_contact": True, "credit": True, "licence": "CC-BY-4.0"}
    assert unseal(bytes(Credit.objects.get(report=report).sealed)) == "Ana Nym"


@pytest.mark.django_db
def test_what_was_left_out_leaves_nothing():
    report = workflow.submit(submission=submission(consent={}, transcript={}), source="api").report
    report.refresh_from_db()
    for name in ("details", "transcript", "reproduction", "impact", "disclosure", "consent"):
        assert getattr(report, name) == {}
    assert (report.claimed_severity, report.embargo_wish, report.about_incident) == ("unknown", None, "")
    assert not Credit.objects.exists()


@pytest.mark.django_db
def test_a_severity_of_no_scale_is_refused_by_the_database():
    report = factories.report()
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(claimed_severity="terrible")


@pytest.mark.parametrize(
    ("answers", "place"),
    [
        ({"reproduction": {"succeeded": 3, "attempts": 2}}, ("reproduction",)),
        ({"reproduction": {"succeeded": 3}}, ("reproduction",)),
        ({"disclosure": {"embargo_until": str(TODAY)}}, ("disclosure", "embargo_until")),
        ({"disclosure": {"embargo_until": str(TODAY + timedelta(days=91))}}, ("disclosure", "embargo_until")),
        ({"consent": {"credit": True}}, ("consent",)),
        ({"consent": {"credit_name": "Ana"}}, ("consent",)),
        ({"consent": {"share_contact": True}}, ()),
        ({"details": {"type": "bias", "trigger": "x"}}, ("details", "bias", "trigger")),
        ({"details": {"type": "artefact", "sha256": "A" * 64}}, ("details", "artefact", "sha256")),
        ({"transcript": {"turns": [{"role": "oracle", "text": "x"}]}}, ("transcript", "turns", "0", "role")),
        ({"transcript": {"seed": 2**53}}, ("transcript", "seed")),
        ({"about_incident": "FL-1"}, ("about_incident",)),
        ({"language": ""}, ("language",)),
        ({"language": "Spanish, please"}, ("language",)),
    ],
)
def test_what_is_wrong_is_named_where_it_is(answers, place):
    assert [where for where, _ in problems_in(answers)] == [place]


def test_the_digest_of_a_report_is_what_it_was_before_there_were_parts():
    """Rows stored and files imported earlier stay comparable."""
    known = "5c1f0c7e3722ed7155023954d9199c942c783129b350b417549edc3f403097e1"
    assert workflow.content_digest(submission()) == known


def test_the_digest_is_about_the_content_and_not_about_who_sent_it():
    plain = workflow.content_digest(submission())
    assert workflow.content_digest(submission(contact="a@example.org", consent={"credit": False})) == plain
    assert workflow.content_digest(submission(language="es")) == plain
    assert workflow.content_digest(submission(reproduction={"succeeded": 1, "attempts": 2})) != plain
    assert workflow.content_digest(submission(about_incident="FL-2026-0A1B2C3D")) != plain


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "turns", "role", "text", "seed", "succeeded", "attempts", "x"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["details", "transcript", "reproduction", "impact", "disclosure", "consent"]), json_values)
def test_whatever_arrives_is_a_submission_or_a_sentence_and_what_is_accepted_has_canonical_bytes(part, value):
    answers = {"models": ["a/b"], "text": "x" * 30, "category": "misuse", part: value}
    try:
        accepted = Submission.model_validate(answers)
    except ValidationError:
        assert problems_in({part: value})
        return
    assert len(workflow.content_digest(accepted)) == 64
