"""What waits: how much of it in which lane, and the next report for a moderator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from accounts.models import User
from reports import workflow
from reports.actors import require
from reports.lanes import LANES, Lane, lane
from reports.leases import free
from reports.models import Report, ReportState, Skip
from reports.priority import most_urgent_first, with_priority

UNDECIDED = (ReportState.RECEIVED, ReportState.IN_REVIEW)


@dataclass(frozen=True)
class LaneCount:
    """How a lane stands: reports that await a decision, those of them nobody holds, and since when the oldest waits."""

    lane: Lane
    waiting: int
    free: int
    oldest: datetime | None


def counts() -> list[LaneCount]:
    """Every lane, in the order of the table; one query."""
    wanted: dict[str, Any] = {}
    for one in LANES:
        wanted[f"{one.slug}_waiting"] = Count("pk", filter=one.of())
        wanted[f"{one.slug}_free"] = Count("pk", filter=one.of() & free())
        wanted[f"{one.slug}_oldest"] = Min("submitted_at", filter=one.of())
    found = with_priority(Report.objects.filter(state__in=UNDECIDED)).order_by().aggregate(**wanted)
    return [
        LaneCount(one, found[f"{one.slug}_waiting"], found[f"{one.slug}_free"], found[f"{one.slug}_oldest"])
        for one in LANES
    ]


def offered(*, slug: str, by: User) -> QuerySet[Report]:
    """What "next" may hand to `by` in a lane, the most urgent first."""
    skipped = Skip.objects.filter(account=by, until__gt=timezone.now()).values("report")
    rows = with_priority(Report.objects.filter(free()).exclude(pk__in=skipped))
    return rows.filter(lane(slug).of()).order_by(*most_urgent_first())


@transaction.atomic
def claim_next(*, by: User, slug: str = "all") -> Report | None:
    """Claims the most urgent report of a lane that nobody holds; None where none waits. Two callers never get one."""
    require(by, workflow.REPORT_MOVES["claim"].permission)
    report = offered(slug=slug, by=by).select_for_update(skip_locked=True, of=("self",)).first()
    return workflow.claim(report=report, by=by) if report else None
