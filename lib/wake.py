"""Wakes workers after commit. What wakes what is `settings.WAKES`; losing a wake costs one beat, never work."""

from functools import partial

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction

log = structlog.get_logger()


def wake(event: str) -> None:
    """Once the transaction has committed, sends every task that `event` wakes. Raises KeyError for an unknown event."""
    for task in settings.WAKES[event]:
        transaction.on_commit(partial(_send, task))


def _send(task: str) -> None:
    try:
        current_app.send_task(task)
    except Exception as error:  # noqa: BLE001 - a broker can fail in any way; the row is due all the same
        log.warning("wake lost; the next beat does it", task=task, error=type(error).__name__)
