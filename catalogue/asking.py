"""One bounded question to a hub that has no client library of its own, and how its answer ended."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx2

from catalogue.hub import Answer, Outcome
from catalogue.json_values import MalformedAnswerError, line
from lib.http import AnswerTooLargeError, OtherHostError, RefusedAddressError, bounded_client, roaming_client

LONGEST_WAIT_SECONDS = 24 * 3600.0
_MALFORMED = (
    AnswerTooLargeError,
    OtherHostError,
    RefusedAddressError,
    httpx2.DecodingError,
    httpx2.TooManyRedirects,
)
_OURSELVES = {"User-Agent": "faultline/0.1", "Accept": "application/json"}


@dataclass(frozen=True)
class Told:
    """A whole HTTP answer, redirects followed. `headers` ignores letter case; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    url: str,
    *,
    headers: Mapping[str, str],
    seconds: float,
    most_bytes: int,
    endpoint: str,
    hosts: tuple[str, ...] = (),
) -> Told | Answer:
    """What `url` answers within `seconds` and `most_bytes`; an Answer without facts where it is no whole answer.

    Redirects lead to `hosts`, if any are given, without the token; and else within the endpoint's own.
    """
    try:
        return _get(_client(seconds, most_bytes, endpoint, hosts), url, headers)
    except _MALFORMED as error:
        return Answer(Outcome.MALFORMED, detail=in_one_line(error), endpoint=endpoint)
    except httpx2.HTTPError as error:
        return Answer(Outcome.TRANSIENT, detail=in_one_line(error), endpoint=endpoint)


def _get(client: httpx2.Client, url: str, headers: Mapping[str, str]) -> Told:
    with client.stream("GET", url, headers=httpx2.Headers(_OURSELVES) | headers) as response:
        try:
            body = response.read()
        except httpx2.RemoteProtocolError as error:
            raise httpx2.DecodingError(f"the answer breaks off: {error}") from error
    return Told(response.status_code, response.headers, body)


@cache
def _client(seconds: float, most_bytes: int, endpoint: str, hosts: tuple[str, ...]) -> httpx2.Client:
    if hosts:
        client = roaming_client(home=endpoint, seconds=seconds, most_bytes=most_bytes, hosts=hosts)
    else:
        client = bounded_client(seconds=seconds, most_bytes=most_bytes)
    # A question must not carry what an answer before it set.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return client


# Two processes must not write to one connection: a forked worker opens its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_client.cache_clear)


def document(told: Told) -> dict[str, Any]:
    """The body as a JSON object; raises MalformedAnswerError where it is none."""
    try:
        value = json.loads(told.body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(in_one_line(error)) from error
    if not isinstance(value, dict):
        raise MalformedAnswerError("the answer is not a JSON object")
    return value


def by_status(status: int) -> Outcome:
    """How a question ended, where an HTTP status (RFC 9110) means what it means anywhere."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.TRANSIENT
    return _BY_STATUS.get(status, Outcome.MALFORMED)


_BY_STATUS: dict[int, Outcome] = {
    HTTPStatus.OK: Outcome.OK,
    HTTPStatus.UNAUTHORIZED: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.FORBIDDEN: Outcome.TRANSIENT,  # a wall in front of the hub
    HTTPStatus.NOT_FOUND: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.GONE: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: Outcome.NOT_FOUND_OR_PRIVATE,
    HTTPStatus.REQUEST_TIMEOUT: Outcome.TRANSIENT,
    HTTPStatus.TOO_EARLY: Outcome.TRANSIENT,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.RATE_LIMITED,
}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` (RFC 9110: seconds or a date) asks to wait, at most a day; None where it says none."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_WAIT_SECONDS)
    try:
        return seconds_until(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return None


def seconds_until(until: datetime) -> float:
    """Seconds from now to `until`, from 0 to a day."""
    return min(max(0.0, (until - datetime.now(until.tzinfo)).total_seconds()), LONGEST_WAIT_SECONDS)


def without_facts(outcome: Outcome, told: Told, *said: str, endpoint: str) -> Answer:
    """An answer that carries no facts; its detail is the HTTP status and what the hub said."""
    detail = line(" ".join(["HTTP", str(told.status), *said]))
    return Answer(outcome, detail=detail, retry_after=retry_after(told.headers), endpoint=endpoint)


def in_one_line(error: Exception) -> str:
    """An error as an Answer's detail."""
    return line(f"{type(error).__name__}: {error}")
