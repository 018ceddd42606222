"""What is counted of records: rows that follow every publication, and can be derived again from the documents."""

import importlib
import json

import pytest
from django.db import connection

from incidents.facts import fact_columns, heads_of
from incidents.models import Fact, Incident, Operation, RecordedName
from incidents.publishing import publish, revise
from incidents.record import AffectedModel, Match, Record
from tests import factories

pytestmark = pytest.mark.django_db

migration = importlib.import_module("incidents.migrations.0006_facts")


def model(name="org/a", **columns):
    return AffectedModel(hub=columns.pop("hub", "huggingface"), name=name, match=Match.REPOSITORY, **columns)


def published(**changes):
    return publish(factories.record(**changes)).incident


def revised(incident, operation, **changes):
    incident.refresh_from_db()
    record = Record.model_validate(json.loads(bytes(incident.document)))
    changes = {"version": record.version + 1, **changes}
    return revise(operation, Record.model_validate({**record.model_dump(by_alias=True), **changes})).incident


def withdrawn(incident):
    return revised(incident, Operation.WITHDRAW, status="withdrawn", notice="It was a test.")


def events():
    return dict(Fact.objects.values_list("incident", "event"))


def names():
    return {(row.hub, row.name): (row.named, row.concerned) for row in RecordedName.objects.all()}


def test_only_models_that_a_record_concerns_count():
    incident = published(
        affected=(
            model("Org/A", observed={"at": "2026-01-01T00:00:00Z", "revision": "", "licence": "MIT"}),
            model("other/b", status="not_affected", hub="kaggle"),
            model("lone-name", hub=None),
        ),
        classifications=({"taxonomy": "mit-risk", "term": "4.2"},),
        occurred="2025-11",
    )
    fact = incident.fact
    assert fact.hubs == ["huggingface"]
    assert fact.organisations == ["huggingface/org"]
    assert fact.licences == ["mit"]
    assert fact.terms == ["faultline:hidden_promotion", "mit-risk:4.2"]
    assert (fact.published, fact.occurred_year, fact.occurred_month) == (202603, 2025, 11)
    assert names() == {("huggingface", "Org/A"): (1, 1), ("kaggle", "other/b"): (1, 0)}


def test_records_that_share_an_id_elsewhere_are_one_event_through_a_third_too():
    first = published(aliases=("AIID-1",))
    second = published(aliases=("AVID-2023-R0001",))
    alone = published(aliases=("AIID-9",))
    assert set(events().values()) == {None}
    between = published(aliases=("aiid-1", "AVID-2023-R0001"))
    assert events() == {first.pk: first.pk, second.pk: first.pk, between.pk: first.pk, alone.pk: None}
    withdrawn(between)
    assert set(events().values()) == {None}


def test_when_the_lowest_record_is_withdrawn_the_others_stay_one_event():
    first, second, third = (published(aliases=("AIID-1",)) for _ in range(3))
    withdrawn(first)
    assert events() == {first.pk: None, second.pk: second.pk, third.pk: second.pk}


def test_a_correction_takes_a_record_out_of_its_event():
    first, second = published(aliases=("AIID-1",)), published(aliases=("AIID-1",))
    revised(second, Operation.CORRECT, aliases=())
    assert events() == {first.pk: None, second.pk: None}


def test_names_are_counted_in_and_out():
    first = published(affected=(model("org/a"), model("ORG/a", revision="f" * 40), model("org/b")))
    published(affected=(model("org/a"),))
    assert names() == {("huggingface", "ORG/a"): (2, 2), ("huggingface", "org/b"): (1, 1)}
    revised(first, Operation.CORRECT, affected=(model("org/a", status="not_affected"), model("org/c")))
    assert names() == {("huggingface", "ORG/a"): (2, 1), ("huggingface", "org/c"): (1, 1)}
    withdrawn(first)
    assert names() == {("huggingface", "ORG/a"): (1, 1)}


def test_pairs_make_components():
    assert heads_of([("x", 5), ("x", 3), ("y", 5), ("y", 9), ("z", 7)]) == {3: 3, 5: 3, 9: 3}


def test_what_stood_before_is_filled_in_alike_by_the_migration():
    """Everything written with each publication is derived a second time, by the statements of the migration."""
    published(
        affected=(
            model("Org/A", observed={"at": "2026-01-01T00:00:00Z", "revision": "", "licence": "Apache-2.0"}),
            model("org/b", status="not_affected"),
            model("17", hub="civitai"),
            model("/odd", hub="kaggle"),
            model("lone-name", hub=None),
        ),
        occurred="2025",
        aliases=("AIID-1", "AVID-1"),
    )
    published(aliases=("AIID-2", "AVID-1"), occurred="2025-12-31")
    published(aliases=("AIID-2", "AIID-3"), affected=(model("org/a"),))
    published(aliases=("AIID-3",), classifications=({"taxonomy": "mit-risk", "term": "4"},))
    withdrawn(published(aliases=("AIID-3", "AIID-4"), affected=(model("org/a"),)))
    published(aliases=("AIID-4",))
    facts = list(Fact.objects.order_by("pk").values())
    counted = list(RecordedName.objects.order_by("hub", "name_key").values("hub", "name_key", "organisation", "named"))
    assert {fact["event"] for fact in facts} == {facts[0]["incident_id"], None}
    Fact.objects.all().delete()
    RecordedName.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(migration.FILL_FACTS)
        cursor.execute(migration.FILL_EVENTS)
        cursor.execute(migration.FILL_NAMES)
    assert list(Fact.objects.order_by("pk").values()) == facts
    again = list(RecordedName.objects.order_by("hub", "name_key").values("hub", "name_key", "organisation", "named"))
    assert again == counted
    for incident in Incident.objects.select_related("fact"):
        expected = fact_columns(Record.model_validate(json.loads(bytes(incident.document))))
        assert {name: getattr(incident.fact, name) for name in expected} == expected
