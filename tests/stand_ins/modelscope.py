"""A stand-in for ModelScope's two APIs, over real HTTP on loopback; and what stand-ins of all hubs have in common.

In a test: `with StandInModelScope([example_model("acme/bert")]) as hub: ... {"modelscope": hub.url}`.
By hand:   `python -m tests.stand_ins.modelscope --port 8902`.
"""

import argparse
import gzip
import hashlib
import json
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tests.waiting import IN_TIME

TOO_MUCH = 9_000_000
PAGE = b"<!doctype html><title>A hub</title><p>We will be back soon.</p>"


def digits(text: str, length: int) -> str:
    """`length` hex digits that depend on `text` alone."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


class StandIn:
    """A hub over real HTTP. `faults` are what goes wrong, by name; `requests` lists (method, path with query)."""

    def __init__(self, handler: type["Answering"], *, port: int = 0) -> None:
        self.faults: dict[str, str] = {}
        self.renamed: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[str | None] = []
        self.cookies: list[str | None] = []
        self._server = _Server(("127.0.0.1", port), type("Handler", (handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Answers until the hub is left or the process is interrupted."""
        self._server.serve_forever(poll_interval=0.02)

    def fail(self, name: str, fault: str) -> None:
        """From now on answers for `name` go wrong: `fault` is a method of the handler, or "" for none."""
        self.faults[name] = fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that hang up first."""


class Answering(BaseHTTPRequestHandler):
    """Notes each call, hands it to `route`, and knows all that can go wrong with any hub."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.hub.requests.append((self.command, self.path))
        self.hub.authorizations.append(self.headers.get("Authorization"))
        self.hub.cookies.append(self.headers.get("Cookie"))
        self.route(urlsplit(self.path))

    def route(self, address: SplitResult) -> None:
        """Answers one call."""
        raise NotImplementedError

    def tell(self, status: int, document: object, headers: dict | None = None) -> None:
        """A JSON document."""
        self.say(status, {"Content-Type": "application/json"} | (headers or {}), json.dumps(document).encode())

    def say(self, status: int, headers: dict, body: bytes) -> None:
        """A whole answer."""
        self.start(status, headers, len(body))
        self.wfile.write(body)

    def start(self, status: int, headers: dict, length: int) -> None:
        """The head of an answer."""
        self.send_response(status)
        for name, value in ({"Set-Cookie": "who=somebody"} | headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()

    # What can go wrong with any hub, by name.

    def unavailable(self) -> None:
        self.say(503, {"Content-Type": "text/html"}, PAGE)

    def forbidden(self) -> None:
        self.say(403, {"Content-Type": "text/html"}, PAGE)

    def html(self) -> None:
        self.say(200, {"Content-Type": "text/html"}, PAGE)

    def a_list(self) -> None:
        self.say(200, {"Content-Type": "application/json"}, b"[]")

    def deeply_nested(self) -> None:
        self.say(200, {"Content-Type": "application/json"}, b"[" * 200_000)

    def truncated(self) -> None:
        self.start(200, {"Content-Type": "application/json"}, 5000)
        self.wfile.write(b'{"id": "65')
        self.close_connection = True

    def hang_up(self) -> None:
        self.close_connection = True

    def slow(self) -> None:
        time.sleep(2 * IN_TIME)
        self.close_connection = True

    def dripping_headers(self) -> None:
        self.drip(b"HTTP/1.1 200 OK\r\nX-Waiting: " + b"." * 1000)

    def dripping_body(self) -> None:
        self.start(200, {"Content-Type": "application/json"}, 5000)
        self.drip(b"{" + b" " * 1000)

    def drip(self, data: bytes) -> None:
        """Sends byte by byte until nobody listens."""
        self.close_connection = True
        for byte in data:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)

    def huge(self) -> None:
        try:
            self.say(200, {"Content-Type": "application/json"}, b" " * TOO_MUCH)
        except OSError:
            self.close_connection = True

    def inflating(self) -> None:
        body = gzip.compress(b" " * TOO_MUCH)
        self.say(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)

    def elsewhere(self) -> None:
        self.say(307, {"Location": "http://127.0.0.2:9/api/models/a/b"}, b"Moved")

    def in_circles(self) -> None:
        self.say(307, {"Location": self.path}, b"Moved")


def example_file(path: str, size: int = 1234, *, commit: str = "") -> dict:
    """A file as a listing has it; `commit` is the one it last changed in."""
    return {
        "Path": path,
        "Name": path.rpartition("/")[2],
        "Type": "blob",
        "Size": size,
        "Sha256": digits(path, 64),
        "Revision": commit or digits("older", 40),
        "CommittedDate": 1717747750,
        "IsLFS": size > 10_000_000,
    }


def example_model(name: str, **overrides: object) -> dict:
    """A made-up model's document in the form of the hub's answers."""
    return {
        "id": name,
        "display_name": name,
        "description": "Made up.",
        "downloads": 4321,
        "likes": 12,
        "license": "Apache License 2.0",
        "tags": ["library:transformers", "language:en"],
        "tasks": ["text-generation"],
        "created_at": "2024-02-03T04:05:06Z",
        "last_modified": "2024-06-07T08:09:10Z",
        "file_size": 5_000_001_234,
        "private": False,
        "gated": False,
        "login_required": False,
    } | overrides


class StandInModelScope(StandIn):
    """Serves models; `listings` are the files by name and revision, `files_faults` what goes wrong with them."""

    def __init__(self, models: Iterable[dict] = (), *, port: int = 0) -> None:
        self.documents: dict[str, dict] = {}
        self.listings: dict[tuple[str, str], dict] = {}
        self.files_faults: dict[str, str] = {}
        super().__init__(_Handler, port=port)
        for document in models:
            self.add(document)

    def add(self, document: dict) -> None:
        """Adds a model with two files on master."""
        name = document["id"]
        self.documents[name] = document
        commit = digits(f"{name} 1", 40)
        files = [
            example_file("config.json", 700),
            example_file("weights/model.safetensors", 5_000_000_000, commit=commit),
        ]
        self.list_files(name, "master", files, commit)
        self.list_files(name, commit, files, commit)

    def list_files(self, name: str, revision: str, files: list[dict], commit: str) -> None:
        """What is listed at a revision; the hub only tells the start of its commit."""
        folders = [{"Path": "weights", "Name": "weights", "Type": "tree", "Size": 0, "Sha256": ""}]
        latest = {"Id": "", "ShortId": commit[:8], "AuthorName": "somebody"}
        self.listings[name, revision] = {"Files": folders + files, "LatestCommitter": latest, "IsVisual": 0}


class _Handler(Answering):
    hub: StandInModelScope

    def route(self, address: SplitResult) -> None:
        path = unquote(address.path)
        if path.startswith("/openapi/v1/models/"):
            self.model(path.removeprefix("/openapi/v1/models/"))
        elif path.startswith("/api/v1/models/") and path.endswith("/repo/files"):
            name = path.removeprefix("/api/v1/models/").removesuffix("/repo/files")
            self.listing(name, dict(parse_qsl(address.query)).get("Revision", "master"))
        else:
            self.say(404, {"Content-Type": "text/html"}, PAGE)

    def model(self, name: str) -> None:
        if fault := self.hub.faults.get(name):
            return getattr(self, fault)()
        if name in self.hub.renamed:
            return self.say(301, {"Location": f"/openapi/v1/models/{self.hub.renamed[name]}"}, b"Moved")
        if name not in self.hub.documents:
            return self.private()
        return self.tell(200, {"success": True, "request_id": "r-1", "data": self.hub.documents[name]})

    def listing(self, name: str, revision: str) -> None:
        if fault := self.hub.files_faults.get(name):
            return getattr(self, fault)()
        nothing = {"Files": None, "LatestCommitter": None, "IsVisual": 0}
        data = self.hub.listings.get((name, revision), nothing)
        return self.tell(200, {"Code": 200, "Success": True, "Message": "success", "RequestId": "r-2", "Data": data})

    def problem(self, status: int, code: str, message: str, headers: dict | None = None) -> None:
        self.tell(status, {"success": False, "code": code, "message": message, "request_id": "r-3"}, headers)

    # What can go wrong, by name.

    def private(self) -> None:
        self.problem(404, "ResourceNotFound", "the model does not exist")

    def not_allowed(self) -> None:
        self.problem(403, "OperationNotAllowed", "no permission")

    def bad_token(self) -> None:
        self.problem(401, "InvalidAuthentication", "the token is invalid")

    def rate_limited(self) -> None:
        self.problem(429, "RateLimitExceed", "too many requests", {"Retry-After": "55"})

    def quota_used_up_with_status_200(self) -> None:
        self.problem(200, "QuotaLimitExceed", "quota used up")

    def refused_the_old_way(self) -> None:
        self.tell(403, {"Code": 10010205001, "Success": False, "Message": "log in first", "Data": None})

    def failed_with_status_200(self) -> None:
        self.tell(200, {"Code": 10010200000, "Success": False, "Message": "something else", "Data": None})

    def without_data(self) -> None:
        self.tell(200, {"Code": 200, "Success": True, "Data": None, "data": None})


def main() -> None:
    """Serves a few made-up models until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8902)
    hub = StandInModelScope(
        [example_model("acme/bert"), example_model("acme/gated", gated=True)], port=parser.parse_args().port
    )
    print(f"{hub.url} serves {', '.join(hub.documents)}")
    hub.serve()


if __name__ == "__main__":
    main()
