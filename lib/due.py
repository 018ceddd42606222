"""Work as rows with a due time: leased with SKIP LOCKED, retried with back-off, parked when it keeps failing.

A worker leases a row, does the work outside any transaction, and ends the lease with a verdict: `done`, `postpone` (the
other side could not answer: not the row's fault, so it waits for ever) or `fail` (our code raised). A worker that dies
gives no verdict; the lease runs out and the next one takes over. `strikes` counts leases without a good verdict, so a
row that kills its worker is parked too.
"""

import random
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

MOST_STRIKES = 8
LONGEST_WAIT = timedelta(hours=1)


class DueRow(models.Model):
    """A row that must be worked on at or after `due_at`."""

    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Since the last success.")
    strikes = models.PositiveIntegerField(
        default=0, help_text="Leases in a row that ended without a verdict, or in an error."
    )
    parked_at = models.DateTimeField(null=True, blank=True, help_text="No longer tried until an operator says so.")
    last_error = models.CharField(max_length=500, blank=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True

    @property
    def is_parked(self) -> bool:
        """Whether it waits for an operator."""
        return self.parked_at is not None

    def done(self, *, next_due: datetime, **fields: Any) -> bool:
        """Ends the lease well; due again at `next_due`. False if the lease had passed to another worker."""
        # Somebody may have made it due again while it was being worked on: that stands.
        due_at = Case(When(due_at=self.due_at, then=Value(next_due)), default=F("due_at"))
        return self._end(due_at=due_at, attempts=0, strikes=0, last_error="", **fields)

    def postpone(self, error: str, *, at_least: float = 0, **fields: Any) -> bool:
        """Ends the lease without a result; due again after back-off, or `at_least` seconds. False as for `done`."""
        wait = max(back_off(self.attempts), timedelta(seconds=at_least))
        return self._end(due_at=timezone.now() + wait, strikes=0, last_error=error[:500], **fields)

    def renew(self) -> bool:
        """Holds the lease for `settings.LEASE_SECONDS` from now: for work that takes long. False as for `done`."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        held = type(self).objects.filter(pk=self.pk, leased_until=self.leased_until)
        if not held.update(leased_until=until):
            return False
        self.leased_until = until
        return True

    def put_back(self, *, seconds: float) -> bool:
        """Ends a lease that was not used: due after `seconds`, as if it had not been leased. False as for `done`."""
        fields = {"attempts": max(self.attempts - 1, 0), "strikes": max(self.strikes - 1, 0)}
        return self._end(due_at=timezone.now() + timedelta(seconds=seconds), **fields)

    def fail(self, error: str) -> bool:
        """Ends the lease after an error of ours; the strike stays. False as for `done`."""
        return self._end(due_at=timezone.now() + back_off(self.attempts), last_error=error[:500])

    def retry_now(self) -> None:
        """Due at once, as if it had never failed: what an operator's button does."""
        changes = {"due_at": timezone.now(), "parked_at": None, "strikes": 0, "attempts": 0}
        type(self).objects.filter(pk=self.pk).update(**changes)

    def _end(self, **fields: Any) -> bool:
        # The lease's end time is the fencing token: a worker that lost its lease changes nothing.
        held = type(self).objects.filter(pk=self.pk, leased_until=self.leased_until)
        return bool(held.update(leased_until=None, **fields))


Row = TypeVar("Row", bound=DueRow)


def back_off(attempts: int) -> timedelta:
    """Equal jitter over 2^attempts seconds, at most an hour (AWS Architecture Blog, "Exponential Backoff And Jitter").

    Between half the ceiling and the ceiling: never at once, never in step.
    """
    ceiling = min(2.0 ** min(attempts, 20), LONGEST_WAIT.total_seconds())
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))  # noqa: S311 - spreads load, guards nothing


def lease_next(rows: models.QuerySet[Row]) -> Row | None:
    """The most overdue row that nobody holds, leased to the caller for `settings.LEASE_SECONDS`; None if all is done.

    Rows with too many strikes are parked on the way.
    """
    while True:
        with transaction.atomic():
            row = _claim(rows)
        if row is None or not row.is_parked:
            return row


def _claim(rows: models.QuerySet[Row]) -> Row | None:
    now = timezone.now()
    free = rows.filter(Q(leased_until=None) | Q(leased_until__lt=now), parked_at=None, due_at__lte=now)
    row = free.order_by("due_at").select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return None
    if row.strikes >= MOST_STRIKES:
        row.parked_at, row.leased_until = now, None
    else:
        row.leased_until = now + timedelta(seconds=settings.LEASE_SECONDS)
        row.attempts += 1
        row.strikes += 1
    row.save(update_fields=["parked_at", "leased_until", "attempts", "strikes"])
    return row
