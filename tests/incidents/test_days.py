"""Lists gone through day by day, and the days that rows from before have been given."""

import json
from importlib import import_module
from random import Random

import pytest
from django.db import connection

from incidents import counting, days, listing, log, search_rows
from incidents.filters import Wanted, read_filters
from incidents.listing import Order, Sort
from incidents.models import FacetCount, SearchRow
from incidents.tokens import Dimension
from tests.incidents import collection

ORDERS = [Order(sort, descending) for sort in Sort for descending in (True, False)]
_DAYS = [Dimension.PUBLISHED_DAY, Dimension.MODIFIED_DAY, Dimension.OCCURRED_DAY]

pytestmark = pytest.mark.django_db


def walk(wanted, order, limit):
    """The ids of a walk through the whole list."""
    found, cursor = [], ""
    while True:
        page = listing.find(wanted, number=log.head().number, order=order, after=cursor, limit=limit)
        found += [json.loads(document)["id"] for document in page.documents]
        if not (cursor := page.next):
            return found


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.sort}-{order.descending}")
def test_day_by_day_is_the_same_list_in_every_order(monkeypatch, order):
    collection.publish_some(Random(12), 40)
    asked = {"q": ["shop or recipe or trigger"], "severity_min": ["low"], "published_from": ["2024"]}
    wanted = read_filters(asked)
    expected = walk(wanted, order, 500)
    assert len(expected) > 6
    monkeypatch.setattr(listing, "_MOST_NEAR", 1)
    monkeypatch.setattr(listing, "_EXPECTED", -1)
    steps, taken = days.steps, []
    monkeypatch.setattr(days, "steps", lambda *given, **named: taken.append(given) or steps(*given, **named))
    assert walk(wanted, order, 4) == expected
    assert taken


def test_rows_from_before_get_the_days_that_new_ones_have():
    collection.publish_some(Random(13), 15)

    def rows():
        values = counting.records_by_value(Dimension.PUBLISHED_DAY)
        return {row.pk: sorted(row.tokens) for row in SearchRow.objects.all()}, values

    before = rows()
    first = _DAYS[0].value << 56
    for row in SearchRow.objects.all():
        SearchRow.objects.filter(pk=row.pk).update(tokens=[one for one in row.tokens if one < first])
    FacetCount.objects.filter(dimension__in=[one.value for one in _DAYS]).delete()
    assert rows() != before
    for _ in range(2):  # again, it changes nothing
        with connection.cursor() as cursor:
            cursor.execute(import_module("incidents.migrations.0013_days").ADD.replace("ON COMMIT DROP", ""))
            cursor.execute("DROP TABLE day_tokens")
        assert rows() == before
    assert search_rows.rebuild() == len(before[0])
    assert rows() == before


def test_days_outside_of_a_range_are_no_steps():
    wanted = read_filters({"published_from": ["2024-02"], "published_to": ["2024-03-05"]})
    found = days.steps(wanted, ("published_at", "incident_id"), descending=True, after=())
    assert found.values == {"day_first": "2024-02-01", "day_last": "2024-03-05"}
    assert days.steps(Wanted(), ("modified_at", "incident_id"), descending=True, after=()).values == {}
