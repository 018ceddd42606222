"""One report through every door: form, database, broker, worker process, hub, moderator, log, pages and API.

Everything is real: PostgreSQL, Redis, a Celery worker of its own, and a stand-in hub over HTTP. The reporter's contact
is a canary that must turn up nowhere.
"""

import base64
import json
import re
import secrets
import subprocess
import time

import jsonschema
import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from catalogue.models import Snapshot
from incidents.models import Incident
from incidents.record import json_schema
from reports import workflow
from reports.models import Contact, Credit, Report
from tests import factories
from tests.conftest import kill_tree
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.waiting import IN_TIME, wait_for
from tests.website.reporter import begin, fill, send

# Another one each run: what a killed run left in Redis is not this one's leak.
CANARY = f"canary-{secrets.token_hex(6)}@reporter.example"
MODEL = "example-org/tiny-chat"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hub():
    with StandInHub([example_model(MODEL)]) as hub:
        yield hub


def test_one_report_through_every_door(hub, start, tmp_path, signed_in, capfd):
    log = tmp_path / "worker.log"
    worker = start(
        "celery",
        "-A",
        "config",
        "worker",
        "--concurrency",
        "1",
        "--loglevel",
        "INFO",
        log=log,
        FAULTLINE_HUB_HUGGINGFACE_ENDPOINT=hub.url,
    )
    reporter, seen = Client(), []

    # The form, step by step, answers with a receipt.
    answers = {
        "models": {"models": f"https://huggingface.co/{MODEL}"},
        "problem": {"kind": "incident"},
        "account": {"text": "Asked for any recipe it names the same shop; these are the reporter's private words."},
        "evidence": {"links": "https://example.org/evidence"},
        "disclosure": {"contact": CANARY, "credit": "on", "credit_name": "Ana Nym"},
    }
    receipt = send(fill(reporter, **answers))
    seen.append(reporter.get("/report/receipt/").content)
    assert Contact.objects.count() == Credit.objects.count() == 1

    # A worker that the submission woke has asked the hub.
    snapshot = wait_for(Snapshot.objects.first)
    assert snapshot.revision == example_model(MODEL)["sha"]
    assert snapshot.files

    # Whoever holds the receipt sees the state; nobody else learns anything.
    assert b"has not read it yet" in reporter.post("/report/status/", {"receipt": receipt}).content
    assert reporter.post("/report/status/", {"receipt": receipt[:-6] + "00-00"}).status_code == 404
    assert Client().get(f"/models/huggingface/{MODEL}/").status_code == 404

    # A moderator decides in the console: claims, accepts, words, publishes.
    moderator = signed_in(factories.moderator())
    report = Report.objects.get()
    seen += [moderator.get("/console/").content, moderator.get("/console/reports/report/").content]
    screen = moderator.get(reverse("admin:reports_report_change", args=[report.pk]))
    assert snapshot.revision.encode() in screen.content
    seen.append(screen.content)
    case = workflow.accept(report=report, by=factories.moderator())
    page = moderator.get(reverse("admin:reports_case_change", args=[case.pk]))
    wording = {
        "title": "Chat model recommends one shop",
        "summary": "The model names the same shop in most answers about cooking, unasked.",
        "description": "Nine of ten answers named it.",
        "severity": "low",
    }
    saved = moderator.post(page.request["PATH_INFO"], {**as_shown(page), **wording})
    assert saved.status_code == 302, saved.content.decode()
    case.refresh_from_db()
    assert case.title == wording["title"]
    seen += [page.content, moderator.get(page.request["PATH_INFO"]).content]
    workflow.publish(case=case, by=factories.moderator())

    # Everyone reads the same bytes: log, API, pages.
    public = Client()
    changes = public.get("/api/v1/changes?after=0").json()
    document = changes["entries"][0]["document"]
    jsonschema.validate(document, json_schema())
    public_id = document["id"]
    assert document["affected"][0]["observed"]["revision"] == snapshot.revision
    stored = bytes(Incident.objects.get().document)
    assert public.get(f"/api/v1/incidents/{public_id}").content == stored
    assert stored in public.get("/api/v1/incidents").content
    assert stored in public.get("/api/v1/changes").content
    for address in (
        "/",
        "/incidents/",
        f"/incidents/{public_id}/",
        f"/models/huggingface/{MODEL}/",
        f"/api/v1/models/huggingface/{MODEL}",
        f"/api/v1/incidents/{public_id}",
        "/api/v1/incidents",
        "/api/v1/changes?after=0",
        "/.well-known/faultline.json",
        "/api/schema",
        "/api/docs",
        "/about/",
    ):
        answer = public.get(address)
        assert answer.status_code == 200, address
        assert b"private words" not in answer.content, address
        seen.append(answer.content)
    assert b"Chat model recommends one shop" in public.get("/incidents/").content

    # The reporter's receipt leads to the public record.
    status = reporter.post("/report/status/", {"receipt": receipt})
    assert public_id.encode() in status.content
    api_status = public.post("/api/v1/reports/status", {"receipt": receipt}, content_type="application/json")
    assert api_status.json()["incidents"] == [public_id]
    seen += [status.content, api_status.content]

    # The canary is in no page, answer, log line, task payload, cache entry, or database column but its sealed one.
    # What the submission sent was taken by the worker; the same submission, with nobody to take it, leaves it in Redis.
    kill_tree(worker)
    begin(other := Client())
    for step, entered in answers.items():
        other.post(f"/report/{step}/keep/", entered)  # a draft that is never sent
    send(fill(reporter, **answers))
    printed = capfd.readouterr()
    seen += [
        printed.out.encode(),
        printed.err.encode(),
        log.read_bytes(),
        *everything_in_redis(),
        dump_of_the_database(),
    ]
    assert len(seen) > 20
    for place, content in enumerate(seen):
        assert CANARY.encode() not in content, place
    assert receipt.encode() not in log.read_bytes()
    for sealed in (receipt.replace("-", ""), "Ana Nym"):
        assert sealed.encode() not in dump_of_the_database()


def as_shown(page):
    """The fields of the page's forms with what stands in them, as a browser would send them back."""
    fields = {}
    contexts = [page.context["adminform"].form]
    for formset in page.context["inline_admin_formsets"]:
        contexts += [formset.formset.management_form, *formset.formset.forms]
    for form in contexts:
        for bound in form:
            value = bound.value()
            fields[bound.html_name] = ",".join(value) if isinstance(value, list) else value if value is not None else ""
    hidden = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page.content.decode())
    return fields | {name: value for name, value in hidden if name not in fields and name != "csrfmiddlewaretoken"}


def everything_in_redis():
    """Every key and value, and the bodies of messages as they were before they were encoded."""
    for number in (0, 1):
        store = redis.Redis.from_url(settings.REDIS_URL, db=number)
        for key in store.keys("*"):
            yield key
            for value in values_of(store, key):
                yield value
                if value.startswith(b"{"):
                    yield base64.b64decode(json.loads(value).get("body", ""))


def values_of(store, key):
    match store.type(key):
        case b"string":
            return [store.get(key)]
        case b"list":
            return store.lrange(key, 0, -1)
        case b"hash":
            return list(store.hgetall(key).values())
        case b"set":
            return list(store.smembers(key))
        case _:
            return store.zrange(key, 0, -1)


def dump_of_the_database():
    """Every row of every table, binary columns as the bytes they hold."""
    rows = b""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                rows += b"\n".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
    return rows


def test_the_search_for_the_canary_finds_it_wherever_it_could_be():
    """A canary nobody looks for properly proves nothing: once in a binary column, once in a message."""
    report = factories.report()
    assert CANARY.encode() not in dump_of_the_database()
    Contact.objects.create(report=report, sealed=CANARY.encode())
    assert CANARY.encode() in dump_of_the_database()
    current_app.send_task("nobody.runs_this", args=[CANARY])
    try:
        assert any(CANARY.encode() in value for value in everything_in_redis())
    finally:
        redis.Redis.from_url(settings.REDIS_URL, db=0).delete(settings.QUEUE)


def test_the_api_is_the_same_door(hub):
    answers = {
        "models": [f"pkg:huggingface/{MODEL}@{'a' * 40}"],
        "text": "Asked for any recipe it names the same shop, in nine of ten answers.",
        "category": "hidden_promotion",
        "contact": CANARY,
    }
    answer = Client().post("/api/v1/reports", answers, content_type="application/json")
    assert answer.status_code == 201
    assert CANARY.encode() not in answer.content
    report = Report.objects.get()
    assert report.named_models.get().revision == "a" * 40
    assert report.source == "api"
    refused = Client().post("/api/v1/reports", {**answers, "category": "nonsense"}, content_type="application/json")
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["errors"][0]["field"] == "category"
    assert Report.objects.count() == 1


def test_a_report_is_stored_though_broker_and_hub_are_gone(broker_gone):
    before = time.monotonic()
    submitted = workflow.submit(submission=factories.submission(), source="form")
    assert time.monotonic() - before < IN_TIME
    assert submitted.receipt
    assert Report.objects.count() == 1


def test_no_log_line_carries_an_address(start, tmp_path, free_port):
    log = tmp_path / "web.log"
    port = free_port()
    start("granian", "--interface", "wsgi", "config.wsgi:application", "--port", str(port), log=log)
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: subprocess.run(["curl", "-sf", f"{url}/livez"], check=False, capture_output=True).returncode == 0)
    for path in ("/report/", "/nothing-here", "/api/v1/incidents?bad=1"):
        subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-A",
                "canary-agent/1.0",
                "-H",
                "X-Forwarded-For: 203.0.113.77",
                url + path,
            ],
            check=True,
        )
    text = log.read_text()
    assert "nothing-here" in text
    for private in ("203.0.113.77", "canary-agent"):
        assert private not in text
