"""Wakes workers after commit. What wakes what is `settings.WAKES`; losing a wake costs one beat, never work."""

from functools import partial
from time import monotonic

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction

log = structlog.get_logger()

# After a failure nobody waits for the broker again for so many seconds.
_GIVE_UP_SECONDS = 5.0
_given_up_until = 0.0


def wake(event: str, *, seconds: float = 0) -> None:
    """Once the transaction has committed, sends every task that `event` wakes, once however often it was woken.

    It runs `seconds` later, which must be less than the queue's visibility time-out. Raises KeyError for an unknown
    event.
    """
    for task in settings.WAKES[event]:
        if not _is_waiting(task, seconds):
            transaction.on_commit(partial(_send, task, seconds))


def _is_waiting(task: str, seconds: float) -> bool:
    """Whether the transaction is going to send it already; what a savepoint took back does not count."""
    waiting = [callback for _, callback, *_ in transaction.get_connection().run_on_commit]
    return any(isinstance(one, partial) and one.func is _send and one.args == (task, seconds) for one in waiting)


def _send(task: str, seconds: float) -> None:
    global _given_up_until  # noqa: PLW0603 - one broker for the process
    if monotonic() < _given_up_until:
        return
    try:
        current_app.send_task(task, **({"countdown": seconds} if seconds else {}))
    except Exception as error:  # noqa: BLE001 - a broker can fail in any way; the row is due all the same
        _given_up_until = monotonic() + _GIVE_UP_SECONDS
        log.warning("wake lost; the next beat does it", task=task, error=type(error).__name__)
