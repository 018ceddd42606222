"""The guarded door out: an HTTP client that no answer can hold up, fill up, or lead to another host.

Time is bounded on the connection itself: a caller, or a library it uses, may pass `timeout=None`, and the
timeouts of single reads never end an answer that drips.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from time import monotonic

import httpcore2
import httpx2

_MOST_REDIRECTS = 5
_IDLE_SECONDS = 5.0
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


class AnswerTooLargeError(httpx2.TransportError):
    """The answer, decompressed, is larger than the client accepts."""


class OtherHostError(httpx2.TransportError):
    """The answer redirects to another scheme, host or port."""


def bounded_client(*, seconds: float, most_bytes: int) -> httpx2.Client:
    """A client whose calls end within `seconds` in all (looking up the host's address excepted).

    Answers have at most `most_bytes` once decompressed; redirects stay on the same scheme, host and port;
    proxies and passwords of the environment are not used. Calls raise what httpx2 raises, AnswerTooLargeError
    and OtherHostError included.
    """
    return httpx2.Client(
        transport=_BoundedTransport(seconds, most_bytes),
        trust_env=False,
        timeout=seconds,
        follow_redirects=True,
        max_redirects=_MOST_REDIRECTS,
        event_hooks={"response": [_refuse_other_hosts]},
    )


def _refuse_other_hosts(response: httpx2.Response) -> None:
    if not response.has_redirect_location:
        return
    try:
        target = response.request.url.join(response.headers["location"])
    except httpx2.InvalidURL as error:
        raise OtherHostError("redirected to an unreadable address") from error
    if _origin(target) != _origin(response.request.url):
        raise OtherHostError(f"redirected to another host: {target.host[:200]}")


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _BoundedTransport(httpx2.HTTPTransport):
    """Puts the deadline of the whole call on every connection it opens, and the cap on every answer."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        tls = httpx2.create_ssl_context()
        super().__init__(verify=tls)
        # The pool is replaced because a network backend is the one place that sees every wait.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls, keepalive_expiry=_IDLE_SECONDS, network_backend=_BoundedBackend()
        )
        self._seconds = seconds
        self._most_bytes = most_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # Redirects copy the extensions of the request before them, so that all hops share one deadline.
        _deadline.set(request.extensions.setdefault("deadline", monotonic() + self._seconds))
        request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "pool": self._seconds}
        response = super().handle_request(request)
        return _CappedResponse(response, self._most_bytes)


class _CappedResponse(httpx2.Response):
    """A response that stops being read once it is too large, counted after decompression."""

    def __init__(self, response: httpx2.Response, most_bytes: int) -> None:
        super().__init__(
            response.status_code,
            headers=response.headers,
            stream=response.stream,
            extensions=response.extensions,
        )
        self._most_bytes = most_bytes

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        total = 0
        for chunk in super().iter_bytes(chunk_size):
            total += len(chunk)
            if total > self._most_bytes:
                raise AnswerTooLargeError(f"the answer is larger than {self._most_bytes} bytes")
            yield chunk


class _BoundedBackend(httpcore2.NetworkBackend):
    """The usual sockets; every wait ends at the deadline of the call."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._sockets.connect_tcp(host, port, _time_left(timeout), local_address, socket_options)
        return _BoundedStream(stream)

    def sleep(self, seconds: float) -> None:
        self._sockets.sleep(_time_left(seconds))


class _BoundedStream(httpcore2.NetworkStream):
    """A connection whose reads and writes end at the deadline of the call it serves now."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, _time_left(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _time_left(timeout: float | None) -> float:
    left = _deadline.get() - monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time for the whole call is over")
    return left if timeout is None else min(left, timeout)
