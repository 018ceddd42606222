"""Taking back a decision on a report, for a short while and only where nothing has happened since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from reports import conversation
from reports.actors import Actor, WrongStateError, record_activity, require
from reports.leases import lease_end
from reports.models import Activity, Case, CaseState, Decision, MessageKind, Report, ReportState

UNDO_FOR = timedelta(seconds=30)


@dataclass(frozen=True)
class Standing:
    """How a report stood before a decision; `held` says whether the moderator who decides held it."""

    state: str
    held: bool


def remember(
    *,
    report: Report,
    by: Actor,
    verb: str,
    before: Standing,
    case: Case | None = None,
    opened_case: bool = False,
    models_added: Iterable[int] = (),
    ids_added: Iterable[str] = (),
    batch: UUID | None = None,
) -> None:
    """Keeps what it takes to undo a decision, in its own transaction, after its activities. Software undoes nothing."""
    if not isinstance(by, User):
        return
    Decision.objects.create(
        batch=batch or uuid4(),
        report=report,
        case=case,
        by=by,
        verb=verb,
        last_activity=_last_activity(report, case),
        state_before=before.state,
        was_held=before.held,
        opened_case=opened_case,
        models_added=list(models_added),
        ids_added=list(ids_added),
    )


def latest(by: User) -> list[Decision]:
    """What `by` decided with the last press, while it can be undone; empty afterwards."""
    recent = Decision.objects.filter(by=by, undone_at=None, at__gt=timezone.now() - UNDO_FOR)
    last = recent.order_by("-at", "-pk").first()
    return list(recent.filter(batch=last.batch).order_by("pk")) if last else []


def undo(*, batch: UUID, by: User) -> tuple[list[Decision], list[str]]:
    """Takes back every decision of one press. Returns those taken back, and a sentence for each that was not."""
    require(by, "reports.decide")
    done: list[Decision] = []
    refused: list[str] = []
    for decision in Decision.objects.filter(batch=batch, by=by).select_related("report").order_by("pk"):
        try:
            done.append(undo_one(decision=decision, by=by))
        except WrongStateError as error:
            refused.append(str(error))
    return done, refused or ([] if done else ["there is nothing of yours to undo"])


@transaction.atomic
def undo_one(*, decision: Decision, by: User) -> Decision:
    """Puts the report back to where it was, and the case too. Raises WrongStateError: too late, or it moved on."""
    require(by, "reports.decide")
    report = Report.objects.select_for_update().get(pk=decision.report_id)
    case = Case.objects.select_for_update().get(pk=decision.case_id) if decision.case_id else None
    row = Decision.objects.select_for_update().get(pk=decision.pk)
    _refuse(row, report, case, by)
    before, report.state, report.reject_reason = report.state, row.state_before, ""
    # What was held is held again; an older lease of somebody else's is not given back.
    held = row.was_held and row.state_before == ReportState.IN_REVIEW
    report.owner, report.held_until = (by, lease_end()) if held else (None, None)
    report.save(update_fields=["state", "reject_reason", "owner", "held_until"])
    if case:
        _leave(case, report, row)
    conversation.forget_unsent(report=report, kind=MessageKind.REPLY)
    row.undone_at = timezone.now()
    row.save(update_fields=["undone_at"])
    record_activity(by, "undo", report=report, case=case, before=before, after=report.state, note=row.verb)
    return row


def _refuse(row: Decision, report: Report, case: Case | None, by: User) -> None:
    if row.by_id != by.pk or row.undone_at is not None:
        raise WrongStateError(f"report {report.pk}: there is nothing of yours to undo")
    if row.at <= timezone.now() - UNDO_FOR:
        seconds = int(UNDO_FOR.total_seconds())
        raise WrongStateError(f"report {report.pk}: a decision can be undone for {seconds} seconds only")
    if _last_activity(report, case) != row.last_activity:
        raise WrongStateError(f"report {report.pk}: something happened since, so it cannot be undone")


def _leave(case: Case, report: Report, row: Decision) -> None:
    case.reports.remove(report)
    case.models.filter(pk__in=row.models_added).delete()
    case.other_ids = [one for one in case.other_ids if one not in row.ids_added]
    if row.opened_case:
        case.state = CaseState.CLOSED
    case.save(update_fields=["state", "other_ids"])


def _last_activity(report: Report, case: Case | None) -> int:
    concerned = Q(report=report) | Q(case=case) if case else Q(report=report)
    return Activity.objects.filter(concerned).order_by("-pk").values_list("pk", flat=True).first() or 0
