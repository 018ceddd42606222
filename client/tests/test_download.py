"""Downloads over real HTTP from a server that breaks off, changes its mind, or lies."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from faultline_client import node as calls
from faultline_client.command import TROUBLE, main


class Server(ThreadingHTTPServer):
    """A node's exports: `content`, sent up to `limit` bytes at a time."""

    content, limit, busy, claimed = b"a line of JSON\n" * 5000, 10**9, 0, ""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    @property
    def digest(self):
        return hashlib.sha256(self.content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        """Silent."""

    def do_GET(self):
        served = self.server
        served.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
        if served.busy:
            served.busy -= 1
            self.send_response(503)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif "?" in self.path:  # with filters, and broken off as some servers do: as if it were the end
            self.answer(200, served.content[: served.limit], records=5000)
        elif self.path == "/api/v1/exports":
            digest = served.claimed or served.digest
            file = {"name": "incidents.jsonl", "holds": "incidents", "format": "jsonl", "compression": None}
            self.answer(200, json.dumps({"files": [{**file, "sha256": digest}]}).encode())
        else:
            self.file(served)

    def file(self, served):
        start, tag = 0, f'"{served.digest}"'
        if self.headers.get("Range") and self.headers.get("If-Range") == tag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(served.content):
            self.answer(416, b"")
        else:
            self.answer(206 if start else 200, served.content[start:], tag, served.limit)

    def answer(self, status, body, tag='""', limit=10**9, records=0):
        self.send_response(status)
        self.send_header("Faultline-Records", str(records))
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:limit])
        if limit < len(body):
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("faultline_client.download.time.sleep", lambda _seconds: None)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("FAULTLINE_NODE", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


def export(path):
    return main(["export", "-o", str(path)])


def test_what_breaks_off_goes_on_where_it_was(server, tmp_path, capsys):
    server.limit = 20_000
    assert export(tmp_path / "all.jsonl") == 0
    assert (tmp_path / "all.jsonl").read_bytes() == server.content
    ranges = [asked for path, asked, _ in server.asked if path.endswith(".jsonl")]
    assert ranges[0] is None
    assert ranges[1:] == ["bytes=20000-", "bytes=40000-", "bytes=60000-"]
    assert server.digest in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"]


def test_the_next_call_goes_on_too(server, tmp_path):
    part = tmp_path / "all.jsonl.part"
    part.write_bytes(server.content[:30_000])
    address = f"http://127.0.0.1:{server.server_port}/api/v1/exports/incidents.jsonl"
    (tmp_path / "all.jsonl.part.json").write_text(json.dumps({"address": address, "etag": f'"{server.digest}"'}))
    assert export(tmp_path / "all.jsonl") == 0
    assert server.asked[-1][1:] == ("bytes=30000-", f'"{server.digest}"')
    assert (tmp_path / "all.jsonl").read_bytes() == server.content


def test_a_file_that_was_replaced_meanwhile_is_taken_from_its_beginning(server, tmp_path):
    (tmp_path / "all.jsonl.part").write_bytes(b"the beginning of another file")
    (tmp_path / "all.jsonl.part.json").write_text(json.dumps({"address": "elsewhere", "etag": '"old"'}))
    assert export(tmp_path / "all.jsonl") == 0
    assert (tmp_path / "all.jsonl").read_bytes() == server.content


def test_a_part_that_is_not_the_beginning_is_noticed_and_taken_again(server, tmp_path):
    (tmp_path / "all.jsonl.part").write_bytes(b"x" * 30_000)
    address = f"http://127.0.0.1:{server.server_port}/api/v1/exports/incidents.jsonl"
    (tmp_path / "all.jsonl.part.json").write_text(json.dumps({"address": address, "etag": f'"{server.digest}"'}))
    assert export(tmp_path / "all.jsonl") == 0
    assert (tmp_path / "all.jsonl").read_bytes() == server.content


def test_what_does_not_have_its_digest_is_not_kept(server, tmp_path, capsys):
    server.claimed = "0" * 64
    assert export(tmp_path / "all.jsonl") == TROUBLE
    assert list(tmp_path.iterdir()) == []
    assert "does not have the digest" in capsys.readouterr().err


def test_a_busy_node_is_asked_again_as_it_says(server, tmp_path):
    server.busy = calls.ATTEMPTS - 1
    assert export(tmp_path / "all.jsonl") == 0


def test_a_node_that_stays_busy_is_one_line(server, tmp_path, capsys):
    server.busy = 99
    assert export(tmp_path / "all.jsonl") == TROUBLE
    (line,) = capsys.readouterr().err.splitlines()
    assert "503" in line


@pytest.mark.parametrize("limit", [15, 15 * 4999, 0])
def test_an_export_with_filters_that_breaks_off_leaves_nothing(server, tmp_path, capsys, limit):
    server.limit = limit
    assert main(["export", "--severity", "high", "-o", str(tmp_path / "high.jsonl")]) == TROUBLE
    assert list(tmp_path.iterdir()) == []
    assert server.asked[-1][0] == "/api/v1/incidents.jsonl?severity=high"
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0)]
)
def test_retry_after_in_both_its_forms(header, seconds):
    assert calls.wait_of(header) == seconds
