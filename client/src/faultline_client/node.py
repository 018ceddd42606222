"""Calls to a node: with time-outs, tried again while it is busy, and every failure as one sentence."""

import email.utils
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from faultline_client import __version__

ATTEMPTS = 5
MOST_ITEMS = 1000  # of one question
LONGEST_WAIT = 60.0
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


class NodeError(Exception):
    """The node could not be asked, or refused; the message is one line for a person."""


class BrokenOffError(NodeError):
    """The connection could not be made, or did not last."""


class Node:
    """One node, by its address. With a token, which goes nowhere else: redirects are not followed."""

    def __init__(self, address: str, token: str = "") -> None:
        """Raises NodeError for what is no address."""
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NodeError(f"{address!r} is not the address of a node; it looks like https://node.example.org")
        headers = {"User-Agent": f"faultline-client/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.address = address.rstrip("/")
        self._client = httpx2.Client(base_url=self.address, headers=headers, timeout=_TIMEOUT)

    def get(self, path: str) -> Any:
        """The JSON value at a path. Raises NodeError."""
        return self._json("GET", path)

    def check(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is on record about models and files: an answer for each, in their order. Raises NodeError."""
        results: list[dict[str, Any]] = []
        for begin in range(0, len(items), MOST_ITEMS):
            answer = self._json("POST", "/api/v1/check", json={"items": items[begin : begin + MOST_ITEMS]})
            results += answer["results"]
        return results

    def check_bom(self, content: bytes) -> list[dict[str, Any]]:
        """The same for every component of a bill of materials that names a model or a digest. Raises NodeError."""
        headers = {"Content-Type": "application/json"}
        answer = self._json("POST", "/api/v1/check/bom", content=content, headers=headers)
        return list(answer["results"])

    @contextmanager
    def stream(
        self, address: str, headers: Mapping[str, str], *, accepted: frozenset[int]
    ) -> Iterator[httpx2.Response]:
        """An answer whose body is still to come, once its status is one of those accepted. Raises NodeError.

        No content coding is asked for: what arrives is what is stored, unless `headers` say otherwise.
        """
        with _explained(self.address):
            request = self._client.build_request("GET", address, headers={"Accept-Encoding": "identity", **headers})
            response = self._send(request, stream=True)
            try:
                if response.status_code not in accepted:
                    response.read()
                    raise NodeError(_refusal(response))
                yield response
            finally:
                response.close()

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _json(self, method: str, path: str, **body: Any) -> Any:
        with _explained(self.address):
            response = self._send(self._client.build_request(method, path, **body))
            if response.status_code != httpx2.codes.OK:
                raise NodeError(_refusal(response))
            try:
                return response.json()
            except ValueError as error:
                raise NodeError(f"{self.address} answered with something that is not JSON: is it a node?") from error

    def _send(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        """The first answer that is not "come again", or the last one. Everything asked here may be asked twice."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._client.send(request, stream=stream)
            except httpx2.TransportError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(_back_off(attempt))
                continue
            if response.status_code not in _TRY_AGAIN or attempt == ATTEMPTS:
                return response
            wait = wait_of(response.headers.get("Retry-After", ""))
            if wait is not None and wait > LONGEST_WAIT:
                return response
            response.close()
            time.sleep(wait if wait is not None else _back_off(attempt))
        raise AssertionError("the last attempt returns or raises")


def wait_of(retry_after: str) -> float | None:
    """The seconds that a Retry-After header says (RFC 9110, 10.2.3); None where it says nothing that is understood."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def _back_off(attempt: int) -> float:
    """Full jitter over 2^attempt quarter seconds."""
    return random.uniform(0, 0.25 * 2**attempt)  # noqa: S311 - spreads load, guards nothing


@contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise BrokenOffError(f"{address} did not answer in time") from error
    except httpx2.TransportError as error:
        raise BrokenOffError(f"{address} cannot be reached: {error}") from error
    except httpx2.HTTPError as error:
        raise NodeError(f"{address} cannot be reached: {error}") from error


def _refusal(response: httpx2.Response) -> str:
    """What a problem document (RFC 9457) says, else the status."""
    try:
        problem = response.json()
        said = " ".join(
            [problem["detail"], *(f"{one['field']}: {one['message']}" for one in problem.get("errors", []))]
        )
    except (ValueError, KeyError, TypeError):
        said = response.reason_phrase
    wait = response.headers.get("Retry-After", "")
    return " ".join(f"the node answered {response.status_code}: {said}".split()) + (
        f" (try again in {wait} seconds)" if wait.isdigit() else ""
    )
