"""The public document."""

import jsonschema
import pytest
from pydantic import ValidationError

from incidents.record import (
    MEANINGS,
    Confidence,
    EvidenceGrade,
    Kind,
    Match,
    PublisherStatus,
    Severity,
    Status,
    json_schema,
)
from lib.canonical import canonical_bytes
from tests import factories


def test_every_document_validates_against_the_served_schema():
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    validator.validate(factories.record().document())
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**factories.record().document(), "reporter": "ana@example.org"})


def test_a_document_reads_back_as_the_same_record():
    record = factories.record(occurred="2026-02", aliases=("AIID-1",))
    assert type(record).model_validate(record.document()) == record
    assert canonical_bytes(record.document()).startswith(b'{"affected":[{')


@pytest.mark.parametrize("date", ["2026", "2026-02", "2026-02-28", "1999-12-31", "2024-02-29"])
def test_a_day_a_month_or_a_year_is_a_date(date):
    assert factories.record(occurred=date).occurred == date


@pytest.mark.parametrize("date", ["2026-13", "2026-02-30", "26", "2026/02/01", "2026-2", "yesterday", "2025-02-29", ""])
def test_anything_else_is_not(date):
    with pytest.raises(ValidationError):
        factories.record(occurred=date)


@pytest.mark.parametrize("status", ["disputed", "withdrawn"])
def test_a_record_that_no_longer_stands_says_why(status):
    with pytest.raises(ValidationError, match="says why"):
        factories.record(status=status)
    assert factories.record(status=status, notice="The test was wrong.").notice


def test_links_lead_to_the_web_only():
    for url in ("javascript:alert(1)", "ftp://example.org/x", "https://example.org/a b"):
        with pytest.raises(ValidationError):
            factories.record(references=[{"title": "Source", "url": url}])


@pytest.mark.parametrize("vocabulary", [Kind, Severity, EvidenceGrade, Confidence, Match, PublisherStatus, Status])
def test_every_term_of_every_vocabulary_is_explained(vocabulary):
    assert set(MEANINGS[vocabulary]) == set(vocabulary)


class TestWhatWasAddedToTheSchema:
    SAID = {"name": "example-org/tiny-chat", "status": "not_affected"}
    STATEMENT = {"by": "Example Org", "at": "2026-03-02T10:00:00Z", "text": "No.", "statuses": [SAID]}

    def test_is_left_out_where_it_is_empty_so_that_older_records_keep_their_bytes(self):
        document = factories.record().document()
        assert {"statements", "reproductions", "superseded_by"}.isdisjoint(document)
        assert {"fixed_in", "not_affected_in"}.isdisjoint(document["affected"][0])

    def test_is_in_the_schema_and_reads_back(self):
        later = {"status": "withdrawn", "notice": "The same event.", "superseded_by": "FL-2026-00000000"}
        record = factories.record(statements=[self.STATEMENT], reproductions=0, **later)
        assert (record.document()["reproductions"], record.document()["superseded_by"]) == (0, "FL-2026-00000000")
        jsonschema.Draft202012Validator(json_schema()).validate(record.document())
        assert type(record).model_validate(record.document()) == record

    @pytest.mark.parametrize(
        "said", [{"status": "fixed"}, {"status": "affected", "fixed_in": "abc"}, {"status": "fixed", "fixed_in": "a b"}]
    )
    def test_a_fixed_revision_names_the_one_that_fixed_it(self, said):
        with pytest.raises(ValidationError):
            factories.record(statements=[{**self.STATEMENT, "statuses": [{**self.SAID, **said}]}])
