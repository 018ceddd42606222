"""What waits: how much of it in which lane, and the next report for a moderator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models import User
from reports import workflow
from reports.actors import require
from reports.conflicts import without_conflicts
from reports.embargo import visible_reports
from reports.lanes import LANES, Lane, lane
from reports.leases import free
from reports.models import Report, ReportState, Skip
from reports.priority import HIGH, most_urgent_first, with_priority

UNDECIDED = (ReportState.RECEIVED, ReportState.IN_REVIEW)


@dataclass(frozen=True)
class LaneCount:
    """How a lane stands for somebody: what waits, what of that they may claim, since when the oldest waits."""

    lane: Lane
    waiting: int
    free: int
    oldest: datetime | None


def counts(by: User) -> list[LaneCount]:
    """Every lane, in the order of the table; one query, which asks for the priority of each waiting report once."""
    flags = {f"in_{one.slug}": _flag(one.where()) for one in LANES}
    undecided = visible_reports(Report.objects.filter(state__in=UNDECIDED), by)
    claimable = free() & Q(pk__in=without_conflicts(undecided.filter(free()), by).order_by().values("pk"))
    waiting = with_priority(undecided).annotate(is_free=_flag(claimable), **flags)
    rows = list(waiting.order_by().values("submitted_at", "priority", "is_free", *flags))
    return [_count(one, [row for row in rows if _stands_in(row, one)]) for one in LANES]


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _stands_in(row: dict[str, Any], one: Lane) -> bool:
    return row[f"in_{one.slug}"] and one.high in (None, row["priority"] == HIGH)


def _count(one: Lane, rows: list[dict[str, Any]]) -> LaneCount:
    oldest = min((row["submitted_at"] for row in rows), default=None)
    return LaneCount(one, len(rows), sum(row["is_free"] for row in rows), oldest)


def offered(*, slug: str, by: User) -> QuerySet[Report]:
    """What "next" may hand to `by` in a lane, the most urgent first."""
    skipped = Skip.objects.filter(account=by, until__gt=timezone.now()).values("report")
    rows = with_priority(without_conflicts(Report.objects.filter(free()).exclude(pk__in=skipped), by))
    return rows.filter(lane(slug).of()).order_by(*most_urgent_first())


@transaction.atomic
def claim_next(*, by: User, slug: str = "all") -> Report | None:
    """Claims the most urgent report of a lane that nobody holds; None where none waits. Two callers never get one."""
    require(by, workflow.REPORT_MOVES["claim"].permission)
    report = offered(slug=slug, by=by).select_for_update(skip_locked=True, of=("self",)).first()
    return workflow.claim(report=report, by=by) if report else None
