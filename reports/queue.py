"""What waits: how much of it in which lane, and the next report for a moderator."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, Count, Min, Q, QuerySet, Value, When, prefetch_related_objects
from django.utils import timezone

from accounts.models import User
from reports import leases, workflow
from reports.actors import require
from reports.conflicts import without_conflicts
from reports.embargo import visible_reports
from reports.lanes import AWAITING, LANES, Lane, lane
from reports.leases import free, unheld
from reports.models import Report, Skip
from reports.priority import HIGH, most_urgent_first, with_priority


@dataclass(frozen=True)
class LaneCount:
    """How a lane stands for somebody: what waits, what of that they may claim, since when the oldest waits."""

    lane: Lane
    waiting: int
    free: int
    oldest: datetime | None


def counts(by: User) -> list[LaneCount]:
    """Every lane, in the order of the table: one query for what awaits a decision, one for each other lane."""
    by = copy(by)  # what is fetched once for all lanes is not to outlive this
    prefetch_related_objects([by], "affiliations")
    undecided = _counts_of_undecided(by)
    return [undecided[one.slug] if one.undecided else _count_of(one, by) for one in LANES]


def _counts_of_undecided(by: User) -> dict[str, LaneCount]:
    """In groups that stand in the same lanes, so that the priority of each report is asked for once."""
    lanes = [one for one in LANES if one.undecided]
    flags = {f"in_{one.slug}": _flag(one.where()) for one in lanes}
    waiting = visible_reports(Report.objects.filter(state__in=AWAITING), by)
    claimable = free() & Q(pk__in=without_conflicts(waiting.filter(free()), by).order_by().values("pk"))
    rows = with_priority(waiting).annotate(is_free=_flag(claimable), **flags).order_by()
    alike = rows.values("priority", "is_free", *flags).annotate(number=Count("pk"), oldest=Min("submitted_at"))
    groups = list(alike)
    return {one.slug: _sum(one, [group for group in groups if _stands_in(group, one)]) for one in lanes}


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _stands_in(group: dict[str, Any], one: Lane) -> bool:
    return group[f"in_{one.slug}"] and one.high in (None, group["priority"] == HIGH)


def _sum(one: Lane, groups: list[dict[str, Any]]) -> LaneCount:
    unheld = sum(group["number"] for group in groups if group["is_free"])
    oldest = min((group["oldest"] for group in groups), default=None)
    return LaneCount(one, sum(group["number"] for group in groups), unheld, oldest)


def _count_of(one: Lane, by: User) -> LaneCount:
    waiting = visible_reports(Report.objects.filter(one.where()), by)
    takeable = _unheld_in(one, waiting, by).order_by().values("pk")
    rows = waiting.annotate(since=one.since(), is_free=_flag(Q(pk__in=takeable))).order_by()
    found = rows.aggregate(waiting=Count("pk"), unheld=Count("pk", filter=Q(is_free=True)), oldest=Min("since"))
    return LaneCount(one, found["waiting"], found["unheld"], found["oldest"])


def _unheld_in(one: Lane, reports: QuerySet[Report], by: User) -> QuerySet[Report]:
    """Of a lane beside the undecided, what `by` could take on."""
    rows = without_conflicts(reports.filter(unheld()), by)
    return rows.exclude(one.not_for(by)) if one.not_for else rows


def offered(*, slug: str, by: User) -> QuerySet[Report]:
    """What "next" may hand to `by` in a lane, the first to be handed out first."""
    one = lane(slug)
    skipped = Skip.objects.filter(account=by, until__gt=timezone.now()).values("report")
    reports = Report.objects.exclude(pk__in=skipped)
    if one.undecided:
        rows = with_priority(without_conflicts(reports.filter(free()), by))
        return rows.filter(one.of()).order_by(*most_urgent_first())
    rows = _unheld_in(one, visible_reports(reports.filter(one.where()), by), by)
    return rows.annotate(since=one.since()).order_by("since", "pk")


@transaction.atomic
def claim_next(*, by: User, slug: str = "all") -> Report | None:
    """Takes the first report of a lane that nobody holds; None where none waits. Two callers never get one."""
    require(by, workflow.REPORT_MOVES["claim"].permission)
    report = offered(slug=slug, by=by).select_for_update(skip_locked=True, of=("self",)).first()
    if report is None:
        return None
    return workflow.claim(report=report, by=by) if lane(slug).undecided else leases.hold(report=report, by=by)
