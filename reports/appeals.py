"""One objection to a rejection, decided by somebody else."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from lib.refusal import RefusalError
from reports import conversation
from reports.actors import REPORTER, NotAllowedError, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import Activity, Appeal, AppealOutcome, MessageKind, Report, ReportState


class AppealedBeforeError(RefusalError):
    """The reporter has appealed; once is all there is."""


def may_appeal(report: Report) -> bool:
    """Whether its reporter may still object."""
    return report.state == ReportState.REJECTED and not Appeal.objects.filter(report=report).exists()


@transaction.atomic
def appeal(*, report: Report, text: str, once: str = "") -> Appeal:
    """The reporter's objection. Raises AppealedBeforeError, WrongStateError, RefusedMessageError."""
    row = Report.objects.select_for_update().get(pk=report.pk)
    if Appeal.objects.filter(report=row).exists():
        raise AppealedBeforeError("You have appealed once; that is all we can offer. You can still write to us.")
    if row.state != ReportState.REJECTED:
        raise WrongStateError(f"report {row.pk} is {row.get_state_display().lower()}; there is nothing to appeal")
    conversation.object_to(report=row, text=text, once=once)
    rejection = Activity.objects.filter(report=row, verb="reject").order_by("-pk").first()
    kept = Appeal.objects.create(report=row, against_id=rejection.actor_id if rejection else None)
    record_activity(REPORTER, "appeal", report=row, before=row.state, after=row.state)
    return kept


@transaction.atomic
def decide(*, report: Report, by: User, outcome: AppealOutcome, text: str) -> Appeal:
    """Ends an appeal, with words for the reporter; overturned, the report is in the queue again.

    Raises NotAllowedError for whoever rejected the report, WrongStateError where no appeal is open.
    """
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    open_one = Appeal.objects.select_for_update().filter(report=row, outcome="").first()
    if open_one is None:
        raise WrongStateError(f"no appeal is open on report {row.pk}")
    if open_one.against_id == by.pk:
        raise NotAllowedError("you rejected this report; somebody else decides on the appeal")
    refuse_conflict(by, report=row)
    if row.holder not in (None, by):
        raise WrongStateError(f"report {row.pk} is held by {row.holder}")
    open_one.outcome, open_one.decided_at, open_one.decided_by = outcome, timezone.now(), by
    open_one.save(update_fields=["outcome", "decided_at", "decided_by"])
    before = row.state
    if outcome == AppealOutcome.OVERTURNED and row.state == ReportState.REJECTED:
        row.state, row.reject_reason = ReportState.RECEIVED, ""
    row.owner, row.held_until = None, None
    row.save(update_fields=["state", "reject_reason", "owner", "held_until"])
    record_activity(by, "decide appeal", report=row, before=before, after=row.state, note=outcome.label)
    conversation.say(report=row, by=by, text=text, kind=MessageKind.REPLY)
    return open_one
