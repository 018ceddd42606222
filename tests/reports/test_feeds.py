"""Feeds on a schedule: fetched over real HTTP, imported once, asked again when due; an upstream in trouble waits."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from reports import feeds
from reports.models import ImportFeed, ImportRun, Report, RunState
from tests.reports.test_importing import entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream():
    """A server whose next answer tests choose."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            status, body, said = self.server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(said or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer = [], (200, b"", 0)
    server.url = f"http://127.0.0.1:{server.server_port}/all.json"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def says(*entries):
    return 200, json.dumps(entries).encode(), 0


def due_again():
    ImportFeed.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_feed_is_fetched_when_due_and_not_before(upstream, capsys):
    upstream.answer = says(entry(1), entry(2))
    call_command("import_feed", "add", "lab", "osv", upstream.url, "--every", "6")
    assert feeds.run_due() == 1
    assert feeds.run_due() == 0
    assert Report.objects.filter(source="lab").count() == 2
    feed = ImportFeed.objects.get()
    assert timedelta(hours=5) < feed.due_at - timezone.now() <= timedelta(hours=6)
    due_again()
    feeds.run_due()
    assert [run.counts for run in ImportRun.objects.order_by("pk")] == [{"new": 2}, {"same": 2}]
    assert upstream.asked == ["/all.json"] * 2
    capsys.readouterr()
    call_command("import_feed", "list")
    assert "lab (osv): complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    "trouble",
    [(500, b"", 0), (404, b"gone", 0), (200, b"", 0), (200, b"[]", 0), (200, b'[{"id": "TEST', 5000)],
    ids=["error", "not there", "empty", "nothing in it", "cut off"],
)
def test_an_upstream_in_trouble_changes_nothing_and_is_asked_again(upstream, trouble):
    upstream.answer = says(entry(1))
    feeds.add(name="lab", importer="osv", url=upstream.url, every_hours=24)
    feeds.run_due()
    upstream.answer = trouble
    due_again()
    assert feeds.run_due() == 1
    feed = ImportFeed.objects.get()
    assert feed.last_error or ImportRun.objects.first().state == RunState.PARTIAL
    assert Report.objects.count() == 1
    upstream.answer = says(entry(1), entry(2))
    due_again()
    feeds.run_due()
    assert ImportFeed.objects.get().last_error == ""
    assert Report.objects.count() == 2


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "nonsense", "https://"])
def test_only_web_addresses_are_feeds(url):
    with pytest.raises(CommandError, match="address"):
        call_command("import_feed", "add", "lab", "osv", url)
    assert not ImportFeed.objects.exists()


def test_a_feed_that_is_removed_is_fetched_no_longer_and_what_it_brought_stays(upstream):
    upstream.answer = says(entry(1))
    feeds.add(name="lab", importer="osv", url=upstream.url, every_hours=24)
    feeds.run_due()
    call_command("import_feed", "remove", "lab")
    assert feeds.run_due() == 0
    assert Report.objects.count() == 1
    with pytest.raises(CommandError, match="no such feed"):
        call_command("import_feed", "remove", "lab")
