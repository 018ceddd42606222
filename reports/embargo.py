"""Cases that stay silent until a day: setting it, moving it with a second person, and who may see them meanwhile."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from lib.wake import wake
from reports.actors import NotAllowedError, NotReadyError, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import Activity, Case, CaseState, Embargo, EmbargoChange, Release, ReleaseState, Report

LONGEST = timedelta(days=90)


@transaction.atomic
def set_embargo(*, case: Case, by: User, until: datetime, reason: str, may_see: Iterable[User] = ()) -> Embargo:
    """Keeps a case that is not public silent until a moment, at most 90 days ahead; only `may_see` go on seeing it.

    After an embargo has ended another may follow, set by somebody else: one person alone extends none.
    """
    require(by, "reports.publish")
    case = Case.objects.select_for_update().get(pk=case.pk)
    refuse_conflict(by, case=case)
    if case.state != CaseState.OPEN:
        raise WrongStateError(f"case {case.pk} is {case.get_state_display().lower()}; it is too late for an embargo")
    now = timezone.now()
    _end_former(case, by, now)
    _refuse_end(until, now, now)
    values = {"until": until, "reason": _said(reason), "set_by": by, "set_at": now}
    embargo, _ = Embargo.objects.update_or_create(case=case, defaults=values)
    embargo.may_see.set(may_see)
    names = ", ".join(sorted(user.username for user in embargo.may_see.all())) or "nobody else"
    record_activity(by, "embargo", case=case, note=f"until {_moment(until)}, seen by {names}: {reason}")
    _reschedule(case, until)
    return embargo


def _end_former(case: Case, by: User, now: datetime) -> None:
    """Makes room for another embargo; what was asked of the former is over with it. Its story is in the activities."""
    former = Embargo.objects.filter(case=case).first()
    if former is None:
        return
    if former.until > now:
        raise WrongStateError(f"case {case.pk} has an embargo; ask for another end")
    if former.set_by_id == by.pk:
        raise NotAllowedError("You set the embargo that ended: another one takes somebody else.")
    former.changes.filter(agreed=None).update(agreed=False, decided_by=by, decided_at=now)


@transaction.atomic
def ask_change(*, embargo: Embargo, by: User, until: datetime | None, reason: str) -> EmbargoChange:
    """Asks for a later end, or with None for the end at once. It holds once a second person agrees."""
    embargo = _locked(embargo, by)
    if EmbargoChange.objects.filter(embargo=embargo, agreed=None).exists():
        raise WrongStateError("another end has been asked for already: decide on that first")
    if until is not None:
        _refuse_end(until, embargo.until, embargo.set_at)
    change = EmbargoChange.objects.create(embargo=embargo, until=until, reason=_said(reason), asked_by=by)
    record_activity(by, "ask for another end", case=embargo.case, note=f"{_moment(until)}: {reason}")
    return change


@transaction.atomic
def agree(*, change: EmbargoChange, by: User) -> Embargo:
    """The second person agrees: the embargo ends when the first asked, and what is scheduled moves with it."""
    embargo, change = _undecided(change, by)
    if by.pk == change.asked_by_id:
        raise NotAllowedError("You asked for it yourself: it takes a second person.")
    embargo.until = change.until or timezone.now()
    embargo.save(update_fields=["until"])
    _decide(change, by, agreed=True)
    record_activity(by, "agree to another end", case=embargo.case, note=_moment(change.until))
    _reschedule(embargo.case, embargo.until)
    return embargo


@transaction.atomic
def refuse(*, change: EmbargoChange, by: User) -> Embargo:
    """The embargo stays as it is. Whoever asked may take it back by this too."""
    embargo, change = _undecided(change, by)
    _decide(change, by, agreed=False)
    record_activity(by, "refuse another end", case=embargo.case, note=_moment(change.until))
    return embargo


def in_force(case: Case) -> Embargo | None:
    """The case's embargo, while it holds."""
    return Embargo.objects.filter(case=case, until__gt=timezone.now()).first()


# --- Who may see ------------------------------------------------------------------------------------------------------
def visible_cases(cases: QuerySet[Case], by: User) -> QuerySet[Case]:
    """The cases among these that `by` may see: to anybody else an embargoed case is as if it were not there."""
    return cases if _sees_all(by) else cases.exclude(pk__in=_hidden(by))


def visible_reports(reports: QuerySet[Report], by: User) -> QuerySet[Report]:
    """The reports among these that are in no case hidden from `by`."""
    return reports if _sees_all(by) else reports.exclude(cases__in=_hidden(by))


def visible_activities(activities: QuerySet[Activity], by: User) -> QuerySet[Activity]:
    """What was done, but for cases hidden from `by` and their reports."""
    if _sees_all(by):
        return activities
    return activities.exclude(case__in=_hidden(by)).exclude(report__cases__in=_hidden(by))


def _hidden(by: User) -> QuerySet[Embargo, Any]:
    holding = Embargo.objects.filter(until__gt=timezone.now(), case__state=CaseState.OPEN)
    return holding.exclude(set_by=by).exclude(may_see=by).values("case")


def _sees_all(by: User) -> bool:
    return by.has_perm("reports.view_embargoed")


def _refuse_hidden(case: Case, by: User) -> None:
    if not visible_cases(Case.objects.filter(pk=case.pk), by).exists():
        raise NotAllowedError("There is no such case.")


# --- Steps ------------------------------------------------------------------------------------------------------------
def _locked(embargo: Embargo, by: User) -> Embargo:
    """The embargo under its case's lock, if it holds and `by` may decide on it."""
    require(by, "reports.publish")
    case = Case.objects.select_for_update().get(pk=embargo.case_id)
    refuse_conflict(by, case=case)
    _refuse_hidden(case, by)
    row = Embargo.objects.select_related("case").get(pk=embargo.pk)
    if not row.in_force:
        raise WrongStateError("the embargo is over")
    return row


def _undecided(change: EmbargoChange, by: User) -> tuple[Embargo, EmbargoChange]:
    embargo = _locked(change.embargo, by)
    row = EmbargoChange.objects.get(pk=change.pk)
    if row.agreed is not None:
        raise WrongStateError("this was decided already")
    return embargo, row


def _decide(change: EmbargoChange, by: User, *, agreed: bool) -> None:
    change.agreed, change.decided_by, change.decided_at = agreed, by, timezone.now()
    change.save(update_fields=["agreed", "decided_by", "decided_at"])


def _refuse_end(until: datetime, later_than: datetime, began: datetime) -> None:
    if until <= later_than:
        raise NotReadyError([f"the end must be after {_moment(later_than)}"])
    if until > began + LONGEST:
        raise NotReadyError([f"an embargo lasts {LONGEST.days} days at most, until {_moment(began + LONGEST)}"])


def _said(reason: str) -> str:
    if not reason.strip():
        raise NotReadyError(["say why"])
    return reason.strip()[:1000]


def _reschedule(case: Case, until: datetime) -> None:
    soonest = timezone.now() + timedelta(seconds=settings.UNDO_SECONDS)
    scheduled = Release.objects.filter(case=case, state=ReleaseState.SCHEDULED)
    if scheduled.update(due_at=max(until, soonest)):
        wake("release scheduled", seconds=settings.UNDO_SECONDS)


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "at once"
