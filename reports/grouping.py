"""Which cases a report is in: one report may tell of several events."""

from django.db import transaction

from reports import embargo, release
from reports.actors import Actor, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import Case, Report, ReportState
from reports.workflow import join, live_case, open_case


@transaction.atomic
def add(*, report: Report, by: Actor, case: Case | None = None) -> Case:
    """Puts an accepted report into one more case: `case`, or a new one."""
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.state != ReportState.ACCEPTED:
        raise WrongStateError(f"report {row.pk} is {row.get_state_display().lower()}; accept it first")
    for one in row.cases.all():
        _refuse_embargo(one)
    joined = open_case(report=row, by=by) if case is None else live_case(case)
    refuse_conflict(by, report=row, case=joined)
    if joined.reports.filter(pk=row.pk).exists():
        raise WrongStateError(f"report {row.pk} is in case {joined.pk} already")
    join(report=row, case=joined, by=by)
    release.reconsider(case=joined, by=by)
    return joined


@transaction.atomic
def take_out(*, report: Report, case: Case, by: Actor) -> Report:
    """Takes a report out of a case; back into the queue where that was its last. The case keeps its models."""
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    left = live_case(case)
    refuse_conflict(by, case=left)
    _refuse_embargo(left)
    if not left.reports.filter(pk=row.pk).exists():
        raise WrongStateError(f"report {row.pk} is not in case {left.pk}")
    if left.reports.count() == 1:
        raise WrongStateError(f"report {row.pk} is the only one in case {left.pk}; a case keeps one")
    left.reports.remove(row)
    before = row.state
    if not row.cases.exists():
        row.state = ReportState.RECEIVED
        row.save(update_fields=["state"])
    record_activity(by, "take out", report=row, case=left, before=before, after=row.state)
    release.reconsider(case=left, by=by)
    return row


def _refuse_embargo(case: Case) -> None:
    """What a case under an embargo holds must not come to light through another case, or in the queue."""
    if embargo.in_force(case):
        raise WrongStateError(f"case {case.pk} is under an embargo: its reports stay in it alone until that ends")
