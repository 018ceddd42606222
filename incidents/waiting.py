"""Waiting until the log goes on, at next to no cost: whoever waits holds a thread of the web server and nothing else.

All who wait in a process share one question to the database each `POLL_SECONDS`; between these none of them is in a
query or a transaction. As many as `settings.WAITS_AT_ONCE` wait in a process at once, so that others find threads free.
"""

from threading import BoundedSemaphore, Lock
from time import monotonic, sleep

from django.conf import settings

from incidents import position

POLL_SECONDS = 0.5

_places = BoundedSemaphore(settings.WAITS_AT_ONCE)


class CrowdedError(RuntimeError):
    """As many callers wait as this process lets wait at once."""


class _Seen:
    """The last number of the log, as one of those who wait saw it at most `POLL_SECONDS` ago."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._number, self._until = 0, 0.0

    def number(self) -> int:
        with self._lock:
            if monotonic() >= self._until:
                self._number = position.read_head().number
                self._until = monotonic() + POLL_SECONDS
            return self._number


_seen = _Seen()


def wait_beyond(number: int, seconds: float) -> None:
    """Returns once the log has an entry beyond `number`, at the latest after `seconds`.

    At once where it has one already; else raises CrowdedError where there is no place to wait.
    """
    until = monotonic() + seconds
    if position.read_head().number > number:
        return
    if not _places.acquire(blocking=False):
        raise CrowdedError("As many callers wait as this node lets wait at once. Without wait, it answers at once.")
    try:
        while _seen.number() <= number and (left := until - monotonic()) > 0:
            sleep(min(POLL_SECONDS, left))
    finally:
        _places.release()
    position.forget()
