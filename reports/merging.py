"""Cases about the same event: merged into one, and parted again; and one case split in two.

Reports stay what they are: the surviving case gains a link to each. Where the merged case is public, its record is
withdrawn in favour of the survivor's (docs/decisions/0014), so that its address leads there and citations resolve.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from incidents import publishing
from incidents.models import Operation
from incidents.record import Status
from reports import embargo, redacting, release
from reports.actors import Actor, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.joining import are_public, both, last_activity, marked, refuse_merge, take_in
from reports.models import LIVE, Case, CaseModel, CaseState, Merge, Report
from reports.redaction import for_readers
from reports.undoing import UNDO_FOR


@transaction.atomic
def merge(*, case: Case, into: Case, by: Actor, notice: str = "") -> Merge:
    """Merges `case` into `into`, at once. For two public ones, people go through `reports.release`, and say why.

    What was about to be released of `case` is cancelled; of `into`, if it is no longer what was approved.
    """
    case, into = both(case, into)
    refuse_merge(case=case, into=into, by=by)
    release.refuse_ending_own_dispute(case, by)
    public = are_public(case, into)
    row, _ = take_in(case=case, into=into, by=by, notice=notice)
    release.cancel_open(case=case, by=by, reason=f"the case was merged into case {into.pk}")
    release.reconsider(case=into, by=by)
    if not public:  # what is public was undone before it became so, or is parted again
        row.last_activity = last_activity(case, into)
        row.save(update_fields=["last_activity"])
    return row


def latest(by: User) -> Merge | None:
    """The last merge of `by` that can still be undone."""
    recent = Merge.objects.filter(by=by, parted_at=None, at__gt=timezone.now() - UNDO_FOR).exclude(last_activity=0)
    return recent.select_related("into").order_by("-pk").first()


@transaction.atomic
def undo(*, merged: Merge, by: User) -> Case:
    """Parts two cases again right after they were merged. Raises WrongStateError: too late, or one of them moved on."""
    case, into = both(merged.case, merged.into)
    row = Merge.objects.select_for_update().get(pk=merged.pk)
    if row.by_id != by.pk or row.parted_at or not row.last_activity:
        raise WrongStateError(f"case {case.pk}: there is nothing of yours to undo")
    if row.at <= timezone.now() - UNDO_FOR:
        seconds = int(UNDO_FOR.total_seconds())
        raise WrongStateError(f"a merge can be undone for {seconds} seconds; after that, part the cases")
    if last_activity(case, into) != row.last_activity:
        raise WrongStateError(f"something happened to case {case.pk} or {into.pk} since: part them by hand")
    return unmerge(case=case, by=by)


@transaction.atomic
def unmerge(*, case: Case, by: Actor, notice: str = "") -> Case:
    """Parts a merged case from the one it went into, which gives back what it had gained by the merge."""
    require(by, "reports.decide")
    found = Merge.objects.filter(case=case, parted_at=None).select_related("into").first()
    if found is None:
        raise WrongStateError(f"case {case.pk} is not merged into another")
    case, into = both(case, found.into)
    row = Merge.objects.select_for_update().get(pk=found.pk)
    if case.state != CaseState.MERGED or row.parted_at:
        raise WrongStateError(f"case {case.pk} is no longer merged into another")
    if into.state == CaseState.MERGED:
        raise WrongStateError(f"case {into.pk} was itself merged into another; part those first")
    for one in (case, into):
        refuse_conflict(by, case=one)
    before, case.state = case.state, CaseState(row.state_before)
    if case.incident:
        require(by, "reports.withdraw")
        notice = redacting.hidden(case, notice)
        publishing.revise(Operation.RESTORE, marked(Operation.RESTORE, case.incident, Status(case.state), notice))
    _give_back(into, row)
    case.save(update_fields=["state"])
    row.parted_at = timezone.now()
    row.save(update_fields=["parted_at"])
    record_activity(by, "unmerge", case=case, before=before, after=case.state, note=f"from case {into.pk}. {notice}")
    record_activity(by, "unmerge", case=into, before=into.state, after=into.state, note=f"gave back case {case.pk}")
    release.reconsider(case=into, by=by)
    return case


@transaction.atomic
def split(*, case: Case, reports: Iterable[Report], models: Iterable[CaseModel], by: Actor) -> Case:
    """Moves some of a case's reports and models to a new case without wording; what is public stays until `correct`."""
    require(by, "reports.decide")
    case = Case.objects.select_for_update().get(pk=case.pk)
    if case.state not in LIVE:
        raise WrongStateError(f"case {case.pk} is {case.get_state_display().lower()}; it cannot be split now")
    refuse_conflict(by, case=case)
    if embargo.in_force(case):
        raise WrongStateError(f"case {case.pk} is under an embargo, which a new case would not have: end that first")
    moved = list(case.reports.filter(pk__in=[report.pk for report in reports]))
    named = case.models.filter(pk__in=[model.pk for model in models])
    if not moved or len(moved) == case.reports.count():
        raise WrongStateError("to split a case, choose some of its reports, but not all of them")
    new = Case.objects.create(category=case.category, kind=case.kind, occurred=case.occurred)
    new.reports.set(moved)
    case.reports.remove(*moved)
    for model in named:
        model.case, model.name, model.note = new, for_readers(model.name), for_readers(model.note)
        model.save(update_fields=["case", "name", "note"])
    numbers = ", ".join(str(report.pk) for report in moved)
    record_activity(by, "open", case=new, after=new.state, note=f"split from case {case.pk}: reports {numbers}")
    record_activity(by, "split", case=case, note=f"reports {numbers} to case {new.pk}")
    release.reconsider(case=case, by=by)
    return new


def _give_back(into: Case, row: Merge) -> None:
    into.reports.remove(*row.added["reports"])
    into.models.filter(pk__in=row.added["models"]).delete()
    into.references.filter(pk__in=row.added["references"]).delete()
