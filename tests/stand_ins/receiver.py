"""A program that takes webhooks, over real HTTP on loopback: it keeps what came, and answers as it is told to."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Call:
    """One request: its headers with names in lower case, and its body as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> dict:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """`calls` are what came. It repeats challenges unless `agrees` is off; `answers` are the next statuses."""

    agrees: bool = True
    answers: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    location: str = ""

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.calls.append(call)
                status = receiver.answers.pop(0) if receiver.answers else 200
                said = call.content["data"].get("challenge", "") if receiver.agrees else "no"
                answer = json.dumps({"challenge": said}).encode()
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/faultline"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
