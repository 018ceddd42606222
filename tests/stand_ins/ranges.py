"""A stand-in for a hub's files and for its CDN, over real HTTP on loopback, with what goes wrong there by name.

In a test: `with StandInFiles() as files: scan_file("model.bin", files.put("acme/model.bin", content))`.
"""

import os
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.waiting import IN_TIME

_CHUNK = 65536


class StandInFiles:
    """Serves files by range; `requests` lists (path, Range), `authorizations` what each call carried.

    With `cdn`, another stand-in, it redirects there as the Hub does for large files.
    """

    def __init__(self, *, cdn: "StandInFiles | None" = None, host: str = "127.0.0.1") -> None:
        self.files: dict[str, bytes | Path] = {}
        self.cdn = cdn
        self.fault = ""  # a method of the handler
        self.fault_after = 0  # requests that are answered well before it
        self.linked_size: int | None = None  # what the redirect says, where that is a lie
        self.location = ""  # where the fault `elsewhere` leads
        self.requests: list[tuple[str, str]] = []
        self.authorizations: list[str | None] = []
        self.bytes_sent = 0
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": self}))
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> "StandInFiles":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, name: str, content: bytes | Path) -> str:
        """Serves `content` as `name`; its address."""
        self.files[name] = content
        if self.cdn:
            self.cdn.files[name] = content
        return f"{self.url}/{name}"

    def forget(self) -> None:
        """Forgets the requests so far."""
        self.requests, self.authorizations, self.bytes_sent = [], [], 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that hang up first."""


class _Handler(BaseHTTPRequestHandler):
    site: StandInFiles
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.site.requests.append((self.path, self.headers.get("Range", "")))
        self.site.authorizations.append(self.headers.get("Authorization"))
        content = self.site.files.get(self.path.partition("?")[0].lstrip("/"))
        if content is None:
            return self.say(404, {}, b"Entry not found")
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        if self.site.fault and len(self.site.requests) > self.site.fault_after:
            return getattr(self, self.site.fault)(content, size)
        if self.site.cdn:
            return self.redirect(size)
        return self.part(content, size)

    def redirect(self, size: int) -> None:
        linked = size if self.site.linked_size is None else self.site.linked_size
        location = f"{self.site.cdn.url}{self.path}"
        self.say(302, {"Location": location, "X-Linked-Size": str(linked), "X-Linked-Etag": '"abc"'}, b"Found")

    def span(self, size: int) -> tuple[int, int] | None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not match or int(match[1]) >= size:
            return None
        return int(match[1]), min(int(match[2]) + 1, size)

    def part(self, content: bytes | Path, size: int, **changed: str | int) -> None:
        if not self.headers.get("Range"):
            self.start(200, {"Content-Length": size, "ETag": '"abc"'})
            return self.send(content, 0, size)
        span = self.span(size)
        if span is None:
            return self.say(416, {"Content-Range": f"bytes */{size}"}, b"")
        start, end = span
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": end - start, "ETag": '"abc"'}
        self.start(206, headers | changed)
        return self.send(content, start, end)

    def send(self, content: bytes | Path, start: int, end: int, write: Callable | None = None) -> None:
        write = write or self.wfile.write
        try:
            for at in range(start, end, _CHUNK):
                chunk = _slice(content, at, min(at + _CHUNK, end))
                write(chunk)
                self.site.bytes_sent += len(chunk)
        except OSError:
            self.close_connection = True

    def say(self, status: int, headers: dict, body: bytes) -> None:
        self.start(status, headers | {"Content-Length": len(body)})
        self.wfile.write(body)

    def start(self, status: int, headers: dict) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value != "":
                self.send_header(name, str(value))
        self.end_headers()

    # What can go wrong, by name.

    def ignores_ranges(self, content: bytes | Path, size: int) -> None:
        self.start(200, {"Content-Length": size})
        self.send(content, 0, size)

    def ignores_ranges_without_length(self, content: bytes | Path, size: int) -> None:
        self.start(200, {"Transfer-Encoding": "chunked"})
        self.send(content, 0, size, lambda data: self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data)))

    def part_without_length(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.start(206, {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Transfer-Encoding": "chunked"})
        self.send(content, start, end, lambda data: self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data)))
        self.wfile.write(b"0\r\n\r\n")

    def endless_part(self, _: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.start(206, {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Connection": "close"})
        self.close_connection = True
        self.send(b"." * 50_000_000, 0, 50_000_000)

    def other_part(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.part(content, size, **{"Content-Range": f"bytes {start + 1}-{end}/{size}"})

    def later_part(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.say(206, {"Content-Range": f"bytes {start + 1}-{end - 1}/{size}"}, _slice(content, start + 1, end))

    def shorter_part(self, content: bytes | Path, size: int) -> None:
        start, _ = self.span(size)
        self.say(206, {"Content-Range": f"bytes {start}-{start}/{size}"}, _slice(content, start, start + 1))

    def no_content_range(self, content: bytes | Path, size: int) -> None:
        self.part(content, size, **{"Content-Range": ""})

    def several_parts(self, *_: object) -> None:
        self.say(206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x\r\n\r\n--x--")

    def huge_numbers(self, content: bytes | Path, size: int) -> None:
        self.part(content, size, **{"Content-Range": f"bytes 0-{'9' * 5000}/{'9' * 5000}"})

    def lying_size(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.part(content, size, **{"Content-Range": f"bytes {start}-{end - 1}/{size + 1}"})

    def truncated(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.start(206, {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": end - start})
        self.send(content, start, start + (end - start) // 2)
        self.close_connection = True

    def changed(self, content: bytes | Path, size: int) -> None:
        self.part(content, size, ETag='"def"')

    def compressed(self, content: bytes | Path, size: int) -> None:
        self.part(content, size, **{"Content-Encoding": "gzip"})

    def range_not_satisfiable(self, _: bytes | Path, size: int) -> None:
        self.say(416, {"Content-Range": f"bytes */{size}"}, b"")

    def gated(self, *_: object) -> None:
        self.say(401, {"X-Error-Code": "GatedRepo"}, b"Access to model is restricted")

    def rate_limited(self, *_: object) -> None:
        self.say(429, {}, b"Too many requests")

    def unavailable(self, *_: object) -> None:
        self.say(503, {}, b"Unavailable")

    def hang_up(self, *_: object) -> None:
        self.close_connection = True

    def slow(self, *_: object) -> None:
        time.sleep(2 * IN_TIME)
        self.close_connection = True

    def lagging(self, content: bytes | Path, size: int) -> None:
        time.sleep(0.3)
        self.part(content, size)

    def dripping(self, content: bytes | Path, size: int) -> None:
        start, end = self.span(size)
        self.start(206, {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": end - start})
        self.close_connection = True
        for at in range(start, min(end, start + 1000)):
            try:
                self.wfile.write(_slice(content, at, at + 1))
            except OSError:
                return
            time.sleep(0.05)

    def elsewhere(self, *_: object) -> None:
        self.say(302, {"Location": self.site.location}, b"Found")


def _slice(content: bytes | Path, start: int, end: int) -> bytes:
    if isinstance(content, bytes):
        return content[start:end]
    descriptor = os.open(content, os.O_RDONLY)
    try:
        return os.pread(descriptor, end - start, start)
    finally:
        os.close(descriptor)
