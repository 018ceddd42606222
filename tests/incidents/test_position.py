"""What an answer's tag promises: never more than its rows, and at most a second of being behind."""

import threading
import time

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import log, position, stored
from incidents.position import LogHead
from incidents.publishing import publish
from tests import factories

LIST = "/api/v1/incidents"


@pytest.mark.django_db
def test_it_is_asked_once_a_second(monkeypatch):
    publish(factories.record())
    now = time.monotonic()
    monkeypatch.setattr(position, "monotonic", lambda: now)
    with CaptureQueriesContext(connection) as captured:
        assert {position.known_head() for _ in range(5)} == {log.head()}
    assert len(captured) == 2  # one of them the head itself
    now += position.KNOWN_SECONDS
    with CaptureQueriesContext(connection) as captured:
        position.known_head()
    assert len(captured) == 1


@pytest.mark.django_db
def test_whoever_publishes_sees_it_at_once():
    assert position.known_head() == position.LogHead(0, "")
    assert position.known_head().tag == "empty"
    for number in (1, 2):
        publish(factories.record())
        assert position.known_head().number == number


@pytest.mark.django_db(transaction=True)
def test_others_see_it_within_the_bound_and_never_under_the_wrong_tag():
    """Readers in other threads, with connections of their own, while somebody publishes."""
    publish(factories.record())
    done, answers = threading.Event(), []
    published = {1: time.monotonic() - 60}

    def read():
        client, tag, items = Client(), "", 0
        try:
            while not done.is_set():
                asked = time.monotonic()
                answer = client.get(LIST, headers={"If-None-Match": tag} if tag else {})
                if answer.status_code != 304:
                    tag, items = answer["ETag"], len(answer.json()["items"])
                answers.append((asked, tag, items))
                time.sleep(0.01)
        finally:
            connections.close_all()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(2, 6):
        time.sleep(0.6)
        publish(factories.record())
        published[number] = time.monotonic()
    time.sleep(position.KNOWN_SECONDS + 0.5)
    done.set()
    for reader in readers:
        reader.join()
    numbers = {
        f'"{LogHead(entry.number, entry.object_digest).tag}"': entry.number for entry in stored.entries_after(0, 100)
    }
    # Under a tag there may be newer rows, never older ones.
    assert all(items >= numbers[tag] for _, tag, items in answers)
    behind = [
        (items, number)
        for asked, _, items in answers
        for number, at in published.items()
        if items < number and at < asked - position.KNOWN_SECONDS
    ]
    assert behind == []
    assert max(items for _, _, items in answers) == 5
