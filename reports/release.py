"""From approval to the public: a due row that can be undone, and that publishes only what was approved.

Every verb locks the case first and the release second, so that a publisher's answer, an edit and the timer always
meet in one order. The publication and the row's end are one transaction: a worker killed in between did neither.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from incidents.guard import LogRefusesError
from incidents.models import Publication
from incidents.publishing import NotPublishableError
from lib.due import lease_next
from lib.wake import wake
from reports import embargo, joining, record_erasure, redacting, workflow
from reports.actors import Actor, NotAllowedError, NotReadyError, Software, WrongStateError, record_activity, require
from reports.approval import approved_digest
from reports.conflicts import has_published, refuse_conflict
from reports.models import OPEN_RELEASE, Case, CaseState, Release, ReleaseState, ReleaseVerb, StatementState
from reports.second_person import needs_second, refuse_second

log = structlog.get_logger()

TIMER = Software("timer")
_REFUSALS = (NotAllowedError, NotReadyError, WrongStateError, NotPublishableError)
# Further ahead than this nobody is woken: the beat finds it. Well under the queue's visibility time-out.
_MOST_SECONDS_AHEAD = 300
_NEEDS_NOTICE = frozenset({ReleaseVerb.CORRECT, ReleaseVerb.DISPUTE, ReleaseVerb.WITHDRAW, ReleaseVerb.MERGE})

_ENDS_DISPUTE = frozenset({ReleaseVerb.CORRECT, ReleaseVerb.MERGE})

_DOES: dict[str, Callable[[Case, Actor, str], Publication]] = {
    ReleaseVerb.PUBLISH: lambda case, by, _notice: workflow.publish(case=case, by=by),
    ReleaseVerb.CORRECT: lambda case, by, notice: workflow.correct(case=case, by=by, notice=notice),
    ReleaseVerb.DISPUTE: lambda case, by, notice: workflow.dispute(case=case, by=by, notice=notice),
    ReleaseVerb.WITHDRAW: lambda case, by, notice: workflow.withdraw(case=case, by=by, notice=notice),
    ReleaseVerb.ERASE: lambda case, by, reason: record_erasure.erase(case=case, by=by, reason=reason),
    ReleaseVerb.ADD_STATEMENTS: lambda case, by, _notice: workflow.add_statements(case=case, by=by),
}


@transaction.atomic
def schedule(*, case: Case, verb: str, by: User, notice: str = "", into: Case | None = None) -> Release:
    """Approves what the verb would make public now: it takes effect when the time to undo it, and any embargo, is over.

    Where the rules of `reports.second_person` ask for it, a second person must approve first. With no time to undo and
    nothing to wait for it takes effect at once. `into`: for a merge, the case whose record stays.
    """
    case, into = _lock(case, into)
    if verb in _NEEDS_NOTICE and not notice.strip():
        raise NotReadyError([f"to {verb} a record, say why: the reason is public"])
    if verb == ReleaseVerb.ERASE and notice not in record_erasure.REASONS:
        raise NotReadyError(["to erase a record, choose one of the reasons: it is public"])
    if problems := redacting.problems_in(case, notice, "public reason"):
        raise NotReadyError(problems)
    if into is not None:
        _check_merge(case, into, by)
    else:
        workflow.check_move(verb, case=case, by=by)
    if verb in _ENDS_DISPUTE:
        refuse_ending_own_dispute(case, by)
    if Release.objects.filter(case=case, state__in=OPEN_RELEASE).exists():
        raise WrongStateError(f"case {case.pk} is about to be released already; undo that first")
    reasons = needs_second(case, verb)
    release = Release.objects.create(
        case=case,
        verb=verb,
        into=into,
        notice=notice,
        state=ReleaseState.AWAITING if reasons else ReleaseState.SCHEDULED,
        approved_digest=approved_digest(case, verb, notice, into),
        asked_by=by,
        due_at=_soonest(case),
    )
    if reasons:
        record_activity(by, "ask for a second person", case=case, note=f"to {release.get_verb_display().lower()}")
    else:
        _start(release, by)
    return release


@transaction.atomic
def approve(*, release: Release, by: User, seen: str) -> Release:
    """The second person approves what they read (`seen`, the digest on their page). If it changed, it is cancelled."""
    case, row = _locked(release)
    require(by, _permission_of_second(row))
    refuse_conflict(by, case=case)
    if row.state != ReleaseState.AWAITING:
        raise WrongStateError(f"this is {row.get_state_display().lower()} already")
    refuse_second(by, first=row.asked_by, case=case)
    if row.verb in _ENDS_DISPUTE:
        refuse_ending_own_dispute(case, by)
    if seen != row.approved_digest:
        raise WrongStateError("this is not what your page showed; read it again first")
    if _has_changed(row, case):
        return _cancel(row, by, _CHANGED)
    row.state, row.second, row.second_at, row.due_at = ReleaseState.SCHEDULED, by, timezone.now(), _soonest(case)
    row.save(update_fields=["state", "second", "second_at", "due_at"])
    _start(row, by)
    return row


@transaction.atomic
def decline(*, release: Release, by: User, reason: str) -> Release:
    """The second person does not approve, and says why."""
    case, row = _locked(release)
    require(by, "reports.publish")
    refuse_conflict(by, case=case)
    if row.state != ReleaseState.AWAITING:
        raise WrongStateError(f"this is {row.get_state_display().lower()} already")
    if not reason.strip():
        raise NotReadyError(["say why"])
    return _cancel(row, by, f"{by.get_username()} did not approve it: {reason.strip()}")


@transaction.atomic
def undo(*, release: Release, by: User) -> Release:
    """Takes back what has not taken effect yet. Whoever may publish may stop a publication."""
    case, row = _locked(release)
    require(by, "reports.publish")
    refuse_conflict(by, case=case)
    if row.publication:
        raise WrongStateError(f"it is too late: it is public as entry #{row.publication.entry_id} of the log")
    if not row.is_open:
        raise WrongStateError(f"this is {row.get_state_display().lower()} already")
    return _end(row, ReleaseState.UNDONE, by, "undo", f"{by.get_username()} took it back")


@transaction.atomic
def retry(*, release: Release, by: User) -> Release:
    """Tries once more what kept failing and was parked; it still publishes only what was approved."""
    case, row = _locked(release)
    require(by, "reports.publish")
    refuse_conflict(by, case=case)
    if row.state != ReleaseState.SCHEDULED or not row.is_parked:
        raise WrongStateError("this does not wait for somebody to try it again")
    row.retry_now()
    record_activity(by, "retry", case=case, note=f"{row.get_verb_display().lower()}, after {row.last_error}")
    wake("release scheduled", seconds=0)
    row.refresh_from_db()
    return row


@transaction.atomic
def reconsider(*, case: Case, by: Actor) -> Release | None:
    """Cancels what is about to be released if it is no longer what was approved: to be called after every change."""
    case = Case.objects.select_for_update().get(pk=case.pk)
    row = open_release(case)
    return _cancel(row, by, _CHANGED) if row and _has_changed(row, case) else None


@transaction.atomic
def cancel_open(*, case: Case, by: Actor, reason: str) -> None:
    """Cancels what is about to be released, whatever it is. The caller holds the case's lock."""
    if row := open_release(case):
        _cancel(row, by, reason)


def open_release(case: Case) -> Release | None:
    """What is about to be released of the case."""
    return Release.objects.select_related("asked_by", "second").filter(case=case, state__in=OPEN_RELEASE).first()


def publish_due() -> int:
    """Makes public whatever is due; how many entries of the log that made. Safe in any number of workers at once."""
    made = 0
    while lease := lease_next(Release.objects.filter(state=ReleaseState.SCHEDULED)):
        try:
            made += _publish_leased(lease)
        except LogRefusesError as error:
            log.error("release waits for the log", release=lease.pk, error=str(error))  # noqa: TRY400 - no bug of ours
            lease.postpone(str(error))
        except Exception as error:
            log.exception("release failed", release=lease.pk)
            lease.fail(type(error).__name__)
    return made


_CHANGED = "what was approved has changed since: read it again, and approve it again"


@transaction.atomic
def _publish_leased(lease: Release) -> bool:
    case, row = _locked(lease)
    if row.state != ReleaseState.SCHEDULED or row.leased_until != lease.leased_until:
        return False
    if (holding := embargo.in_force(case)) is not None:
        row.due_at, row.leased_until = holding.until, None
        row.save(update_fields=["due_at", "leased_until"])
        return False
    try:
        with transaction.atomic():
            _perform(row, case)
    except _REFUSALS as error:
        _cancel(row, TIMER, str(error))
        return False
    return True


def _perform(row: Release, case: Case) -> None:
    """Does it, in the name of who asked, provided that everything still is as it was approved."""
    if _has_changed(row, case):
        raise WrongStateError(_CHANGED)
    if needs_second(case, row.verb):
        if row.second is None:
            raise WrongStateError("meanwhile it takes a second person")
        require(row.second, _permission_of_second(row))
    row.publication = _merged(row, case) if row.into else _DOES[row.verb](case, row.asked_by, row.notice)
    row.state, row.ended_at, row.leased_until = ReleaseState.RELEASED, timezone.now(), None
    row.save(update_fields=["publication", "state", "ended_at", "leased_until"])
    if row.into:
        reconsider(case=row.into, by=row.asked_by)


def _merged(row: Release, case: Case) -> Publication | None:
    if row.into is None:
        raise WrongStateError("nothing to merge into")
    _check_merge(case, row.into, row.asked_by)
    _, publication = joining.take_in(case=case, into=row.into, by=row.asked_by, notice=row.notice)
    return publication


def _check_merge(case: Case, into: Case, by: User) -> None:
    joining.refuse_merge(case=case, into=into, by=by)
    if not joining.are_public(case, into):
        raise WrongStateError(f"cases {case.pk} and {into.pk} are not both public")


def _lock(case: Case, into: Case | None) -> tuple[Case, Case | None]:
    return joining.both(case, into) if into and into.pk != case.pk else (_relocked(case), into)


def _relocked(case: Case) -> Case:
    return Case.objects.select_for_update().get(pk=case.pk)


def _permission_of_second(row: Release) -> str:
    """Nothing brings back what is erased: both must be people who may erase."""
    return "reports.erase" if row.verb == ReleaseVerb.ERASE else "reports.publish"


def _start(row: Release, by: User) -> None:
    if row.due_at <= timezone.now():
        _perform(row, row.case)
        return
    record_activity(by, "schedule", case=row.case, note=f"{row.get_verb_display().lower()}, {_moment(row)}")
    ahead = (row.due_at - timezone.now()).total_seconds()
    if ahead <= _MOST_SECONDS_AHEAD:
        wake("release scheduled", seconds=ahead)


def _moment(row: Release) -> str:
    return f"{row.due_at:%Y-%m-%d %H:%M:%S} UTC"


def _soonest(case: Case) -> datetime:
    undone_until = timezone.now() + timedelta(seconds=settings.UNDO_SECONDS)
    holding = embargo.in_force(case)
    return max(undone_until, holding.until) if holding else undone_until


def _locked(release: Release) -> tuple[Case, Release]:
    case, into = _lock(release.case, release.into)
    row = Release.objects.select_for_update(of=("self",)).select_related("asked_by", "second").get(pk=release.pk)
    row.case, row.into = case, into
    return case, row


def _has_changed(row: Release, case: Case) -> bool:
    return approved_digest(case, row.verb, row.notice, row.into) != row.approved_digest


def _cancel(row: Release, by: Actor, reason: str) -> Release:
    return _end(row, ReleaseState.CANCELLED, by, "cancel", reason)


def _end(row: Release, state: ReleaseState, by: Actor, verb: str, reason: str) -> Release:
    row.state, row.ended_at, row.ended_because, row.leased_until = state, timezone.now(), reason[:1000], None
    row.save(update_fields=["state", "ended_at", "ended_because", "leased_until"])
    record_activity(by, verb, case=row.case, note=f"{row.get_verb_display().lower()}: {reason}")
    return row


def refuse_ending_own_dispute(case: Case, by: Actor) -> None:
    """A correction or a merge ends a dispute: not before the publisher has an answer, and not by who is disputed."""
    disputes = case.statements.filter(disputes=True)
    if case.state != CaseState.DISPUTED or not disputes.exists():
        return
    if disputes.filter(state=StatementState.RECEIVED).exists():
        raise NotReadyError(["decide first on the publisher's statement that disputes the record"])
    if has_published(by, case):
        raise NotAllowedError("You published this record: another moderator ends the publisher's dispute.")
