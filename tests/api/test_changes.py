"""Waiting for changes: news comes at once, waiting costs next to nothing, and a crowd that waits keeps nobody out."""

import json
import subprocess
import sys
import threading
import time

import httpx2
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import waiting
from incidents.models import Publication
from incidents.publishing import publish
from tests import factories
from tests.conftest import ROOT, environment
from tests.waiting import IN_TIME, PATIENCE

CHANGES = "/api/v1/changes"


def last():
    return Publication.objects.order_by("-number").values_list("number", flat=True).first() or 0


@pytest.mark.django_db
class TestOneCaller:
    def test_what_is_newer_is_answered_at_once(self):
        publish(factories.record())
        publish(factories.record())
        began = time.monotonic()
        answer = Client().get(f"{CHANGES}?after={last() - 1}&wait=30")
        assert time.monotonic() - began < IN_TIME
        assert [entry["number"] for entry in answer.json()["entries"]] == [last()]
        assert answer["Cache-Control"] == "no-store"

    def test_without_news_the_list_is_empty_when_the_time_is_over(self):
        publish(factories.record())
        began, number = time.monotonic(), last()
        with CaptureQueriesContext(connection) as queries:
            answer = Client().get(f"{CHANGES}?after={number}&wait=2")
        assert time.monotonic() - began >= 2
        assert answer.json()["entries"] == []
        assert answer.json()["head"]["number"] == number
        assert answer["Cache-Control"] == "no-store"
        assert len(queries) <= 4 + 2 / waiting.POLL_SECONDS

    def test_a_revalidation_waits_too_and_is_not_kept(self):
        publish(factories.record())
        tag = Client().get(CHANGES)["ETag"]
        began = time.monotonic()
        answer = Client().get(f"{CHANGES}?after={last()}&wait=1", headers={"If-None-Match": tag})
        assert time.monotonic() - began >= 1
        assert (answer.status_code, answer["Cache-Control"]) == (304, "no-store")

    @pytest.mark.parametrize("wait", ["31", "-1", "1.5", "soon", "9" * 40])
    def test_nobody_waits_longer_than_half_a_minute(self, wait):
        answer = Client().get(CHANGES, {"wait": wait})
        assert (answer.status_code, answer.json()["type"]) == (400, "/api/problems/bad-argument")

    def test_without_a_place_to_wait_the_answer_says_when_to_come_back(self, monkeypatch):
        publish(factories.record())
        monkeypatch.setattr(waiting, "_places", threading.BoundedSemaphore(1))
        waiting._places.acquire()
        answer = Client().get(f"{CHANGES}?after={last()}&wait=30")
        assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems/busy")
        assert answer["Retry-After"] == "5"
        assert Client().get(f"{CHANGES}?after={last() - 1}&wait=30").status_code == 200
        assert Client().get(f"{CHANGES}?after={last()}").status_code == 200


PUBLISH = """
import json, sys
from incidents.publishing import publish
from incidents.record import Record
for line in sys.stdin:
    print(publish(Record.model_validate(json.loads(line))).number, flush=True)
"""


@pytest.fixture
def publisher():
    """A process of its own that publishes what it is given."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", PUBLISH],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def publish_there(record):
        process.stdin.write(json.dumps(record.model_dump(mode="json")) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield publish_there
    process.stdin.close()
    process.wait(timeout=PATIENCE)


@pytest.mark.django_db(transaction=True)
def test_news_from_another_process_reaches_all_who_wait_and_a_crowd_keeps_nobody_out(
    start, free_port, publisher, tmp_path
):
    """A web server with one process of eight threads, of which three may wait; thirty callers come to wait."""
    port = free_port()
    command = ("granian", "--interface", "wsgi", "config.wsgi:application", "--port", str(port))
    start(*command, "--blocking-threads", "8", log=tmp_path / "web.log", FAULTLINE_WAITS_AT_ONCE="3")
    node = f"http://127.0.0.1:{port}"
    first = publisher(factories.record())
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert httpx2.get(f"{node}{CHANGES}").status_code == 200
            break
        except httpx2.TransportError:
            assert time.monotonic() < deadline, (tmp_path / "web.log").read_text()
            time.sleep(0.1)

    answers, arrived = [], threading.Lock()

    def wait():
        answer = httpx2.get(f"{node}{CHANGES}", params={"after": first, "wait": 30}, timeout=PATIENCE)
        with arrived:
            answers.append((answer, time.monotonic()))

    crowd = [threading.Thread(target=wait) for _ in range(30)]
    for one in crowd:
        one.start()
    deadline = time.monotonic() + 20
    while len(answers) < 27:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {answer.status_code for answer, _ in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer, _ in answers)
    assert httpx2.get(f"{node}/api/v1/incidents").status_code == 200
    assert httpx2.get(f"{node}{CHANGES}", params={"after": 0, "wait": 30}).json()["entries"]
    assert len(answers) == 27, "others are answered while three wait"

    answers.clear()
    second = publisher(factories.record(title="What they wait for"))
    published = time.monotonic()
    for one in crowd:
        one.join(timeout=PATIENCE)
    assert len(answers) == 3
    for answer, at in answers:
        assert [entry["number"] for entry in answer.json()["entries"]] == [second]
        assert at - published < IN_TIME
