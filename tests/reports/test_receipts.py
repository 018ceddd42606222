"""Receipt codes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.receipts import new_receipt, receipt_key


def test_a_receipt_has_a_hundred_bits_in_groups_and_a_check_symbol():
    receipts = {new_receipt() for _ in range(500)}
    assert len(receipts) == 500
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z*~$=U]", receipt) for receipt in receipts)


def test_it_can_be_typed_carelessly():
    receipt = new_receipt()
    key = receipt_key(receipt)
    assert key is not None
    assert receipt_key(receipt.lower()) == key
    assert receipt_key(f"  {receipt.replace('-', ' ')} ") == key
    assert receipt_key(receipt.replace("0", "O").replace("1", "l")) == key


@given(st.integers(0, 19), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_mistyped_symbol_is_noticed(place, symbol):
    compact = new_receipt().replace("-", "")
    if compact[place] != symbol:
        assert receipt_key(compact[:place] + symbol + compact[place + 1 :]) is None


@given(st.text(max_size=60))
def test_anything_else_is_no_receipt_and_no_error(text):
    assert receipt_key(text) is None


def test_the_stored_key_depends_on_the_pepper(settings):
    receipt = new_receipt()
    before = receipt_key(receipt)
    settings.RECEIPT_PEPPER = "another"
    assert receipt_key(receipt) not in (before, None)


@pytest.mark.django_db
def test_only_the_hmac_is_stored():
    from django.db import connection

    from reports import workflow
    from tests import factories

    receipt = workflow.submit(submission=factories.submission(), source="form").receipt
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(r)::text FROM reports_report r")
        row = cursor.fetchone()[0]
    assert receipt not in row
    assert receipt.replace("-", "") not in row
