"""Who holds a report, and for how long: a lease that runs out by itself, so that no job has to give reports back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from reports.actors import WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import ConsoleMessage, Report, ReportState, Skip

HOLD_FOR = timedelta(minutes=20)
SKIPPED_FOR = timedelta(hours=8)


def lease_end() -> datetime:
    """When a lease that begins now runs out."""
    return timezone.now() + HOLD_FOR


def unheld() -> Q:
    """Reports that nobody holds: nobody took them, the lease ran out, or the account is no longer in use."""
    return Q(owner=None) | Q(held_until__lte=timezone.now()) | Q(owner__is_active=False)


def free() -> Q:
    """Reports that wait for somebody to decide on them."""
    return Q(state=ReportState.RECEIVED) | (Q(state=ReportState.IN_REVIEW) & unheld())


@transaction.atomic
def hold(*, report: Report, by: User) -> Report:
    """Takes a report on for something else than the first decision (an appeal, an answer); its state stays."""
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.holder not in (None, by):
        raise WrongStateError(f"report {row.pk} is held by {row.holder}")
    refuse_conflict(by, report=row)
    row.owner, row.held_until = by, lease_end()
    row.save(update_fields=["owner", "held_until"])
    record_activity(by, "hold", report=row)
    return row


def renew(*, report: Report, by: User) -> datetime | None:
    """Holds the report for another while; the lease's end, or None where `by` no longer holds it. No activity."""
    require(by, "reports.decide")
    end = lease_end()
    held = Report.objects.filter(pk=report.pk, owner=by, held_until__gt=timezone.now())
    return end if held.update(held_until=end) else None


def let_go(*, report: Report, by: User) -> None:
    """Ends a `hold` whose work is done; a report that awaits a decision or an appeal goes on being held."""
    waits = (ReportState.RECEIVED, ReportState.IN_REVIEW, ReportState.NEEDS_INFO)
    held = Report.objects.filter(pk=report.pk, owner=by).exclude(state__in=waits).exclude(appeal__outcome="")
    held.update(owner=None, held_until=None)


@transaction.atomic
def steal(*, report: Report, by: User, reason: str) -> Report:
    """Takes over a report that somebody else holds, says why in its history, and tells them."""
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    holder = row.holder
    if holder is None or holder == by:
        raise WrongStateError(f"nobody else holds report {row.pk}")
    refuse_conflict(by, report=row)
    if not (said := reason.replace("\x00", "").strip()):
        raise WrongStateError("to take a report over, say why")
    row.owner, row.held_until = by, lease_end()
    row.save(update_fields=["owner", "held_until"])
    record_activity(
        by, "take over", report=row, before=row.state, after=row.state, note=f"from {holder.get_username()}: {said}"
    )
    told = f"{by.get_username()} took over report {row.pk}, which you held: {said}"
    ConsoleMessage.objects.create(account=holder, report=row, text=told[:500])
    return row


@transaction.atomic
def skip(*, report: Report, by: User) -> Report:
    """Passes over a report: back to where it waits if `by` held it, and not offered to them again for a shift."""
    require(by, "reports.decide")
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.holder not in (None, by):
        raise WrongStateError(f"report {row.pk} is held by {row.holder}; there is nothing to skip")
    if row.state not in (ReportState.RECEIVED, ReportState.IN_REVIEW) and row.holder is None:
        raise WrongStateError(f"report {row.pk} is {row.get_state_display().lower()}; there is nothing to skip")
    before, row.owner, row.held_until = row.state, None, None
    row.state = ReportState.RECEIVED if row.state == ReportState.IN_REVIEW else row.state
    row.save(update_fields=["state", "owner", "held_until"])
    Skip.objects.update_or_create(report=row, account=by, defaults={"until": timezone.now() + SKIPPED_FOR})
    record_activity(by, "skip", report=row, before=before, after=row.state)
    return row


def dismiss(*, message: int, by: User) -> None:
    """A moderator has read what the console told them."""
    ConsoleMessage.objects.filter(pk=message, account=by, dismissed_at=None).update(dismissed_at=timezone.now())
