"""Lists of records: which, in what order, and in walks from page to page."""

import json
from random import Random
from threading import Event, Thread

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents import counting, listing, log, search_rows
from incidents.filters import BadFilterError, Wanted, read_filters
from incidents.listing import Order, Sort
from incidents.models import Publication, SearchRow
from incidents.publishing import publish
from tests import factories
from tests.incidents import collection
from tests.waiting import PATIENCE

ORDERS = [Order(sort, descending) for sort in Sort for descending in (True, False)]
DIMENSIONS = {
    "category": st.sampled_from(["bias", "backdoor", "backdoor.trigger", "hidden_promotion"]),
    "kind": st.sampled_from(["incident", "hazard", "exercise", "measurement"]),
    "severity": st.sampled_from(["unknown", "low", "high", "critical"]),
    "evidence_grade": st.sampled_from(["claim", "documented", "confirmed"]),
    "confidence": st.sampled_from(["low", "medium", "high"]),
    "status": st.sampled_from(["published", "disputed", "withdrawn"]),
    "hub": st.sampled_from(["huggingface", "ollama", "kaggle"]),
    "organisation": st.sampled_from(["example-org", "OTHER-org", "nobody"]),
    "model": st.sampled_from(["example-org/tiny-chat", "EXAMPLE-org/big-chat", "plain", "no/body"]),
    "term": st.sampled_from(["mitre-atlas:AML.T0018", "avid-sep:S0100"]),
    "alias": st.sampled_from(["aiid-101", "AIID-103", "AIID-108"]),
    "licence": st.sampled_from(["apache-2.0", "mit", "llama2", "house licence"]),
    "origin": st.sampled_from(["test.faultline.example", "other.example"]),
}
DAYS = ["2024", "2024-02", "2025", "2025-12-31", "2026", "2026-01", "2026-01-01", "2026-03-01"]
SINGLE = {
    "q": st.sampled_from(["poisoned", "shop latvian", "recipe"]),
    "severity_min": st.sampled_from(["low", "high"]),
    **{f"{column}_{end}": st.sampled_from(DAYS) for column in ("published", "modified") for end in ("from", "to")},
    "occurred_from": st.sampled_from(["2024-01-01", "2024-02-28", "2025-12-31", "2026-01-01"]),
    "occurred_to": st.sampled_from(DAYS),
}
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.lists(values, min_size=1, max_size=3) for name, values in DIMENSIONS.items()},
        **{name: values.map(lambda value: [value]) for name, values in SINGLE.items()},
    },
)


def head():
    return log.head().number


def walk(wanted, order, limit, number=None, between=lambda: None):
    """Every document of a walk, and the state of the log it looked at; `between` is called after the first page."""
    documents, cursor, seen_at = [], "", set()
    while True:
        page = listing.find(wanted, number=head() if number is None else number, order=order, after=cursor, limit=limit)
        documents += [json.loads(document) for document in page.documents]
        seen_at.add(page.number)
        if not page.next:
            (at,) = seen_at
            return documents, at
        if not cursor:
            between()
        cursor = page.next


def names_of(documents):
    return [(document["id"], document["version"]) for document in documents]


@pytest.mark.django_db
@pytest.mark.parametrize(("near", "far"), [(4_000, 30_000), (3, 30_000), (3, 3)])
def test_filters_agree_with_reading_every_document(monkeypatch, near, far):
    """Whichever of the three ways the page is found."""
    monkeypatch.setattr(listing, "_MOST_NEAR", near)
    monkeypatch.setattr(listing, "_FAR", far)
    collection.publish_some(Random(5), 70)
    last = head()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        FILTERS,
        st.integers(0, last),
        st.sampled_from([Order(Sort(sort)) for sort in collection.SORT_KEYS]),
        st.sampled_from([2, 500]),
    )
    def agrees(filters, number, order, limit):
        wanted = read_filters(filters)
        found = [json.loads(one) for one in listing.find(wanted, number=number, order=order, limit=limit).documents]
        expected = [document for document in collection.state_at(number) if collection.is_wanted(document, filters)]
        keys = [collection.SORT_KEYS[order.sort](document) for document in found]
        assert keys == sorted(map(collection.SORT_KEYS[order.sort], expected), reverse=True)[:limit]
        assert set(names_of(found)) <= set(names_of(expected))
        assert len(set(names_of(found))) == min(len(expected), limit)
        assert counting.count(wanted, number=number, head=last).total == len(expected)

    agrees()


@pytest.mark.django_db(transaction=True)
def test_a_walk_sees_one_state_while_others_publish():
    """No skip, no repeat, in any order: it equals one big query, and the documents of that state of the log."""
    collection.publish_some(Random(1), 40)
    stop, again = Event(), Event()

    def keep_publishing():
        dice = Random(2)
        try:
            while not stop.is_set():
                publish(collection.random_record(dice))
                collection.change_one(dice)
                again.set()
        finally:
            connection.close()

    def wait_for_a_publication():
        again.clear()
        assert again.wait(PATIENCE)

    publisher = Thread(target=keep_publishing)
    publisher.start()
    try:
        for order in ORDERS:
            by_words = order.sort is Sort.RELEVANCE
            wanted = read_filters({"q": ["shop or trigger"]}) if by_words else Wanted()
            seen, at = walk(wanted, order, limit=8, between=wait_for_a_publication)
            assert at < head()
            whole = listing.find(wanted, number=at, order=order, limit=500)
            assert names_of(seen) == names_of(map(json.loads, whole.documents))
            if not by_words:
                standing = [document for document in collection.state_at(at) if document["status"] != "withdrawn"]
                assert sorted(names_of(seen)) == sorted(names_of(standing))
                keys = [collection.SORT_KEYS[order.sort](document) for document in seen]
                assert keys == sorted(keys, reverse=order.descending)
    finally:
        stop.set()
        publisher.join()


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.sort}-{order.descending}")
def test_pages_of_any_size_are_one_list(order):
    collection.publish_some(Random(9), 25)
    wanted = read_filters({"q": ["shop or recipe or trigger"]})
    whole, _ = walk(wanted, order, limit=500)
    assert len(whole) > 8
    for limit in (1, 2, 7, len(whole)):
        assert walk(wanted, order, limit)[0] == whole


@pytest.mark.django_db
def test_the_past_is_found_by_the_words_and_values_it_had():
    dice = Random(3)
    publish(factories.record(title="An early wording"))
    first = Publication.objects.get()
    collection.publish_some(dice, 10)
    for _ in range(30):
        collection.change_one(dice)
    for number in range(first.number, head() + 1):
        found, _ = walk(Wanted(), Order(), 500, number)
        standing = [document for document in collection.state_at(number) if document["status"] != "withdrawn"]
        assert sorted(names_of(found)) == sorted(names_of(standing))


@pytest.mark.django_db
def test_relevance_puts_the_title_before_the_text():
    publish(factories.record(title="A shop in the text", description="The tokenizer. " * 3))
    publish(factories.record(title="The tokenizer it is"))
    publish(factories.record(title="Nothing of the sort"))
    found, _ = walk(read_filters({"q": ["tokenizer"]}), Order(Sort.RELEVANCE), 1)
    assert [document["title"] for document in found] == ["The tokenizer it is", "A shop in the text"]


@pytest.mark.django_db
def test_relevance_orders_the_newest_matches_only(monkeypatch):
    monkeypatch.setattr(listing, "MOST_RANKED", 2)
    publish(factories.record(title="Tokenizer, tokenizer, tokenizer", published="2026-01-01T00:00:00Z"))
    publish(factories.record(description="A tokenizer."))
    publish(factories.record(title="A tokenizer"))
    found, _ = walk(read_filters({"q": ["tokenizer"]}), Order(Sort.RELEVANCE), 1)
    assert [document["title"] for document in found] == ["A tokenizer", "Chat model recommends one shop"]


@pytest.mark.django_db
def test_rows_and_counts_can_be_derived_again():
    collection.publish_some(Random(4), 20)

    def rows():
        columns = [field.attname for field in SearchRow._meta.fields]
        found = SearchRow.objects.order_by("pk").values(*columns)
        return [{**row, "tokens": sorted(row["tokens"])} for row in found], counting.records_by_value(
            counting.FACETS["kind"]
        )

    before = rows()
    SearchRow.objects.all().delete()
    assert search_rows.rebuild(batch=7) == Publication.objects.count()
    assert rows() == before


@pytest.mark.django_db
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab -\"'\\&|!():*<>@.,ßor\u202e\t\u00a0"), max_size=120) | st.text(max_size=100))
def test_any_words_are_searched_for(text):
    """Through a search without records: whatever is typed is a question."""
    try:
        wanted = read_filters({"q": [text]})
    except BadFilterError:
        return
    for order in (Order(), Order(Sort.RELEVANCE)) if wanted.q else ():
        assert listing.find(wanted, number=0, order=order).documents == []
