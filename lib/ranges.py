"""One file on a server, read in parts: what that costs is bounded beforehand and counted. RFC 9110, section 14."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from lib.http import CALL_ERRORS, roaming_client

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_NUMBER = re.compile(r"[0-9]{1,18}")


class RangeError(Exception):
    """A part of the file could not be had; the message says why, in a line for operators."""


class RangesRefusedError(RangeError):
    """The server does not give this file, or not in parts."""


class RangeBrokenError(RangeError):
    """The call failed, or what came is not what was asked for."""


class BudgetSpentError(RangeError):
    """Reading on would cost more than was allowed."""


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost in all: seconds, bytes of bodies, HTTP exchanges (redirects included)."""

    seconds: float = 30.0
    most_bytes: int = 8_000_000
    most_requests: int = 12


USUAL = Limits()


@dataclass(frozen=True)
class Cost:
    """What reading a file did cost: HTTP exchanges, bytes of bodies, seconds."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0


class RangedFile:
    """A file of a hub. Redirects may lead to other hosts, to which `headers` are not sent; later parts come from there.

    `size` is in bytes, None until the first part came; another one than `expected_size` is an error. Raises
    RangesRefusedError for what is no address.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        expected_size: int | None = None,
        limits: Limits = USUAL,
    ) -> None:
        self.size: int | None = None
        self._url = url
        self._headers = dict(headers or {})
        self._expected_size = expected_size
        self._limits = limits
        self._etag = ""
        self._requests = self._bytes = 0
        self._kept: list[tuple[int, bytes]] = []
        self._started = monotonic()
        try:
            self._client = roaming_client(home=url, seconds=limits.seconds, most_bytes=limits.most_bytes)
        except CALL_ERRORS as error:
            raise RangesRefusedError(_in_one_line(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def cost(self) -> Cost:
        """What it cost so far."""
        return Cost(self._requests, self._bytes, round(monotonic() - self._started, 3))

    @property
    def deadline(self) -> float:
        """When the time for this file is over, on the monotonic clock."""
        return self._started + self._limits.seconds

    def read(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer only where the file ends; no byte is fetched twice in a row.

        Raises RangesRefusedError, RangeBrokenError and BudgetSpentError.
        """
        if self.size is not None:
            length = min(length, self.size - start)
        if length <= 0:
            return b""
        known = max((data[start - at :] for at, data in self._kept if at <= start), key=len, default=b"")[:length]
        if len(known) == length or (self.size is not None and start + len(known) == self.size):
            return known
        part = self._fetch(start + len(known), length - len(known))
        self._kept.append((start, known + part))
        return known + part

    def _fetch(self, start: int, length: int) -> bytes:
        if self._requests >= self._limits.most_requests or self._bytes + length > self._limits.most_bytes:
            raise BudgetSpentError(f"after {self._requests} requests and {self._bytes} bytes")
        self._requests += 1
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}
        try:
            with self._client.stream(
                "GET", self._url, headers=self._headers | wanted, extensions={"deadline": self.deadline}
            ) as answer:
                self._requests += len(answer.history)
                self._bytes += sum(len(hop.content) for hop in answer.history)
                size, expected = _part(answer.status_code, answer.headers, start, length)
                self._check(size, [hop.headers for hop in (*answer.history, answer)])
                body = self._body(answer.iter_raw, expected)
                self._move_to(str(answer.url))
        except CALL_ERRORS as error:
            raise RangeBrokenError(_in_one_line(error)) from error
        self.size = size
        return body

    def _check(self, size: int, hops: list[Any]) -> None:
        """Raises RangeBrokenError where the parts are not of one file, of one size."""
        linked = [int(said) for hop in hops if _NUMBER.fullmatch(said := hop.get("x-linked-size", ""))]
        for other in (self.size, self._expected_size, *linked):
            if other is not None and other != size:
                raise RangeBrokenError(f"the file has {size} bytes here and {other} there")
        etag = hops[-1].get("etag", "")
        if etag and self._etag and etag != self._etag:
            raise RangeBrokenError("the file changed while it was read")
        self._etag = etag or self._etag

    def _body(self, chunks: Callable[[], Any], expected: int) -> bytes:
        body = bytearray()
        for chunk in chunks():
            body += chunk
            self._bytes += len(chunk)
            if len(body) > expected:
                raise RangeBrokenError("the server sends more than it said")
        if len(body) < expected:
            raise RangeBrokenError(f"the server sent {len(body)} bytes of {expected}")
        return bytes(body)

    def _move_to(self, url: str) -> None:
        """Asks for later parts where the first came from: that saves the hub the work, and another host the token."""
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            self._headers = {}
        self._url = url


def _part(status: int, headers: Mapping[str, str], start: int, length: int) -> tuple[int, int]:
    """The file's size and the length of the body to expect; raises where the answer is not the part asked for."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RangeBrokenError(f"HTTP {status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RangesRefusedError("the server sends parts of something compressed")
    if status == HTTPStatus.OK:
        return _whole(headers.get("content-length", ""), start, length)
    if status != HTTPStatus.PARTIAL_CONTENT:
        raise RangesRefusedError(f"HTTP {status}")
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if not match:
        raise RangeBrokenError("the server does not say which part it sends")
    first, last, size = (int(number) for number in match.groups())
    if first != start or last != min(start + length, size) - 1 or last < first:
        raise RangeBrokenError(f"the server sends {match[0]} for bytes {start}-{start + length - 1}"[:200])
    return size, last - first + 1


def _whole(content_length: str, start: int, length: int) -> tuple[int, int]:
    """A server may send the whole of a file that is no larger than the part; any other is not read."""
    if not _NUMBER.fullmatch(content_length) or start or int(content_length) > length:
        raise RangesRefusedError("the server ignores ranges: it sends the whole file")
    return int(content_length), int(content_length)


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
