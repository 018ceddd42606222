"""Cases about the same event: merged into one, and parted again; and one case split in two.

Reports stay what they are: the surviving case gains a link to each. Where the merged case is public, its record is
withdrawn in favour of the survivor's (docs/decisions/0014), so that its address leads there and citations resolve.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from incidents import publishing
from incidents.models import Incident, Operation
from incidents.record import Status
from reports import embargo, redacting, release
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity, require
from reports.aggregation import Stamp, restamp
from reports.conflicts import refuse_conflict
from reports.models import LIVE, Case, CaseModel, CaseReference, CaseState, Merge, Report
from reports.redaction import for_readers

_PUBLIC = (CaseState.PUBLISHED, CaseState.DISPUTED)


@transaction.atomic
def merge(*, case: Case, into: Case, by: Actor, notice: str = "") -> Merge:
    """Merges `case` into `into`. The notice is public, and required where `case` is; that takes a senior moderator.

    One is enough, unlike for a withdrawal, because a merge can be parted again. What was about to be released of `case`
    is cancelled; of `into`, if it is no longer what was approved.
    """
    require(by, "reports.decide")
    case, into = _both(case, into)
    if case.pk == into.pk:
        raise WrongStateError("a case cannot be merged into itself")
    for one in (case, into):
        if one.state not in LIVE:
            raise WrongStateError(f"case {one.pk} is {one.get_state_display().lower()}; it cannot be merged now")
        refuse_conflict(by, case=one)
    if embargo.in_force(case):
        raise WrongStateError(f"case {case.pk} is under an embargo: merge the other case into it, or end that first")
    release.refuse_ending_own_dispute(case, by)
    if case.state in _PUBLIC and into.state not in _PUBLIC:
        raise WrongStateError(f"case {case.pk} is public and case {into.pk} is not: merge them the other way round")
    row = Merge.objects.create(
        case=case,
        into=into,
        by=by if isinstance(by, User) else None,
        state_before=case.state,
        added=_take_over(case, into),
    )
    redacting.hide(into)
    before, case.state = case.state, CaseState.MERGED
    if case.incident and into.incident:
        require(by, "reports.withdraw")
        notice = redacting.hidden(case, notice)
        _publish_mark(Operation.MERGE, case.incident, Status.WITHDRAWN, notice, successor=into.incident.public_id)
    case.save(update_fields=["state"])
    record_activity(by, "merge", case=case, before=before, after=case.state, note=f"into case {into.pk}. {notice}")
    record_activity(by, "merge", case=into, before=into.state, after=into.state, note=f"took in case {case.pk}")
    release.cancel_open(case=case, by=by, reason=f"the case was merged into case {into.pk}")
    release.reconsider(case=into, by=by)
    return row


@transaction.atomic
def unmerge(*, case: Case, by: Actor, notice: str = "") -> Case:
    """Parts a merged case from the one it went into, which gives back what it had gained by the merge."""
    require(by, "reports.decide")
    found = Merge.objects.filter(case=case, parted_at=None).select_related("into").first()
    if found is None:
        raise WrongStateError(f"case {case.pk} is not merged into another")
    case, into = _both(case, found.into)
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
        _publish_mark(Operation.RESTORE, case.incident, Status(case.state), notice)
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


def _both(case: Case, into: Case) -> tuple[Case, Case]:
    """Both under their locks, taken in one order for all, so that nobody deadlocks."""
    locked = {row.pk: row for row in Case.objects.select_for_update().filter(pk__in=[case.pk, into.pk]).order_by("pk")}
    return locked[case.pk], locked[into.pk]


def _take_over(case: Case, into: Case) -> dict[str, list[int]]:
    """Gives `into` the reports, models and references it lacks. Returns the primary keys of what it gained.

    Marks of what was taken out lose their numbers, which mean something in their own case only.
    """
    reports = list(case.reports.exclude(pk__in=into.reports.values("pk")).values_list("pk", flat=True))
    into.reports.add(*reports)
    named = {_subject(model) for model in into.models.all()}
    models = [
        CaseModel.objects.create(
            case=into,
            alias_id=model.alias_id,
            name=for_readers(model.name),
            revision=model.revision,
            file=model.file,
            status=model.status,
            note=for_readers(model.note),
            fixed_in=model.fixed_in,
            not_affected_in=model.not_affected_in,
        ).pk
        for model in case.models.order_by("pk")
        if _subject(model) not in named
    ]
    cited = set(into.references.values_list("url", flat=True))
    references = [
        CaseReference.objects.create(
            case=into,
            title=for_readers(source.title),
            publisher=for_readers(source.publisher),
            url=source.url,
            date=source.date,
        ).pk
        for source in case.references.order_by("pk")
        if source.url not in cited
    ]
    return {"reports": reports, "models": models, "references": references}


def _subject(model: CaseModel) -> tuple[int | None, str, str, str]:
    return (model.alias_id, model.name.lower(), model.revision, model.file)


def _give_back(into: Case, row: Merge) -> None:
    into.reports.remove(*row.added["reports"])
    into.models.filter(pk__in=row.added["models"]).delete()
    into.references.filter(pk__in=row.added["references"]).delete()


def _publish_mark(
    operation: Operation, incident: Incident, status: Status, notice: str, *, successor: str = ""
) -> None:
    """A new version of the public record with another mark, and nothing else changed."""
    if not notice.strip():
        raise NotReadyError([f"to {operation} a public record, say why: the reason is public"])
    stamp = Stamp(
        public_id=incident.public_id,
        origin=settings.NODE_NAME,
        version=incident.version + 1,
        status=status,
        published=publishing.instant(incident.published_at),
        modified=publishing.instant(timezone.now()),
        notice=notice,
        superseded_by=successor,
    )
    publishing.revise(operation, restamp(incident.document, stamp))
