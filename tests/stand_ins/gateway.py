"""A way to another server, over real HTTP, which fails where a test says so: what it hands on is not looked at."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from lib.http import bounded_client

Fault = Callable[[bytes], tuple[int, bytes]]


class Gateway:
    """Answers as `behind` does. `faults` answer in place of it, by what the path has in it; `failed` says where."""

    def __init__(self, behind: str) -> None:
        self.faults: dict[str, Fault] = {}
        self.failed: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer = bounded_client(seconds=30, most_bytes=10_000_000).get(behind + self.path)
                status, content = gateway.through(self.path, answer.status_code, answer.content)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def through(self, path: str, status: int, content: bytes) -> tuple[int, bytes]:
        """What comes out of it."""
        for part, fault in self.faults.items():
            if part in path:
                self.failed.append(path)
                return fault(content)
        return status, content

    def __enter__(self) -> "Gateway":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
