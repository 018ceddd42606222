"""Rejecting several reports of one lane at once. Nothing else is ever done in bulk, publishing least of all."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

from accounts.models import User
from reports import workflow
from reports.actors import NotAllowedError, WrongStateError, require
from reports.conflicts import conflict_with_report
from reports.embargo import visible_reports
from reports.lanes import AWAITING, lane
from reports.models import RejectReason, Report
from reports.priority import with_priority

MOST_AT_ONCE = 50


@dataclass(frozen=True)
class Planned:
    """One report, and why it will not be rejected; "" where it will."""

    report: Report
    obstacle: str


def dry_run(*, reports: Iterable[int], by: User, slug: str) -> list[Planned]:
    """What `reject_many` would do, in the order of arrival; changes nothing. Raises WrongStateError for too many."""
    require(by, "reports.decide")
    chosen = list(dict.fromkeys(reports))
    if len(chosen) > MOST_AT_ONCE:
        raise WrongStateError(f"choose at most {MOST_AT_ONCE} reports; these are {len(chosen)}")
    rows = with_priority(visible_reports(Report.objects.filter(pk__in=chosen), by)).select_related("owner")
    within = set(rows.filter(lane(slug).of()).values_list("pk", flat=True))
    return [Planned(report, _obstacle(report, by, slug, within)) for report in rows.order_by("submitted_at", "pk")]


def reject_many(
    *, reports: Iterable[int], by: User, slug: str, reason: RejectReason, note: str = ""
) -> tuple[list[Report], list[str]]:
    """Rejects those that can be, each by itself and with its own activity; returns them, and why the others were not.

    One press is one batch to undo.
    """
    batch = uuid4()
    done: list[Report] = []
    refused: list[str] = []
    for planned in dry_run(reports=reports, by=by, slug=slug):
        if planned.obstacle:
            refused.append(f"Report {planned.report.pk}: {planned.obstacle}")
            continue
        try:
            done.append(workflow.reject(report=planned.report, by=by, reason=reason, note=note, batch=batch))
        except (NotAllowedError, WrongStateError) as error:
            refused.append(str(error))
    return done, refused


def _obstacle(report: Report, by: User, slug: str, within: set[int]) -> str:
    if report.state not in AWAITING:
        return f"it is {report.get_state_display().lower()} already"
    if report.holder not in (None, by):
        return f"{report.holder} holds it"
    if report.pk not in within:
        return f"it is not in the lane “{lane(slug).title}”"
    return conflict_with_report(by, report)
