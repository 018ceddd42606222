"""The benchmarks' records are what publishing would have written."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from incidents import log, search_rows
from incidents.models import Affected, Incident, Publication
from incidents.record import Record
from incidents.taxonomy import category_codes
from lib.canonical import canonical_bytes
from tests.bench import collection
from tests.conftest import environment


@pytest.fixture
def records():
    made = collection.Collection(300, category_codes())
    return [made.record(number) for number in range(300)]


def test_every_document_is_valid_canonical_and_of_a_usual_size(records):
    sizes = []
    for record in records:
        document = collection.canonical(record)
        assert document == canonical_bytes(Record.model_validate(record).document()) == canonical_bytes(record)
        sizes.append(len(document))
    assert 1300 < sum(sizes) / len(sizes) < 1800
    assert len({record["id"] for record in records}) == len(records)


@pytest.mark.django_db(transaction=True)
def test_the_log_and_what_search_needs_hold(settings):
    settings.NODE_NAME, settings.LOG_ORIGIN = collection.NODE, f"{collection.NODE}/log"
    with collection.connect(environment()["DATABASE_URL"]) as database:
        indexes = database.execute("SELECT count(*) FROM pg_indexes").fetchone()
        collection.fill_rows(database, collection.Collection(300, category_codes()))
        assert database.execute("SELECT count(*) FROM pg_indexes").fetchone() == indexes
    assert list(log.problems()) == []
    assert Incident.objects.count() == 300
    assert Publication.objects.count() == 300 + Incident.objects.exclude(status="published").count()
    assert Affected.objects.values("incident").distinct().count() == 300
    search_rows.rebuild()
    found = Client().get("/api/v1/incidents", {"q": collection.COMMON, "limit": 100})
    assert len(found.json()["items"]) == 100


def test_a_database_beside_is_on_the_same_server():
    address = collection.beside(settings.DATABASE_URL, "bench_1")
    assert address.endswith("/bench_1")
    assert address.rpartition("/")[0] == settings.DATABASE_URL.rpartition("/")[0]
    assert connection.vendor == "postgresql"
