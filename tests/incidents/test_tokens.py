"""Tokens and signatures: what rows are filtered by, as numbers."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status
from incidents.tokens import Dimension, signature, token

VOCABULARIES = {
    Dimension.STATUS: Status,
    Dimension.KIND: Kind,
    Dimension.SEVERITY: Severity,
    Dimension.EVIDENCE_GRADE: EvidenceGrade,
    Dimension.CONFIDENCE: Confidence,
}
FIXED = [token(dimension, value) for dimension, values in VOCABULARIES.items() for value in values]
TOKENS = st.builds(token, st.sampled_from(Dimension), st.text(min_size=1, max_size=8))


def of_database(tokens):
    with connection.cursor() as cursor:
        cursor.execute("SELECT faultline_signature(%s::bigint[])", [list(tokens)])
        return cursor.fetchone()[0]


def test_no_two_values_of_the_fixed_vocabularies_share_a_bit():
    assert len({signature([one]) for one in FIXED}) == len(FIXED)


@pytest.mark.django_db
def test_the_database_signs_its_rows_as_we_sign_what_is_wanted():
    for one in FIXED:
        assert of_database([one]) == signature([one])
    assert of_database(FIXED) == signature(FIXED)
    assert of_database([]) == signature([]) == 0


@pytest.mark.django_db
@given(st.lists(TOKENS, max_size=40))
def test_a_row_has_every_bit_of_what_it_has(tokens):
    """Or filters would lose it."""
    of_row = of_database(tokens)
    for one in tokens:
        bits = signature([one])
        assert bits is None or of_row & bits == bits


@given(TOKENS)
def test_dimensions_of_many_values_are_left_out(one):
    assert (signature([one]) is None) == (one >> 56 > Dimension.HUB.value)
