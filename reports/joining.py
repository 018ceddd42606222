"""What a merge of two cases does, and what keeps it from being done: for `reports.merging`, and for `reports.release`.

Both cases are under their locks here.
"""

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from incidents import publishing
from incidents.models import Incident, Operation, Publication
from incidents.record import Record, Status
from reports import embargo, redacting
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity, require
from reports.aggregation import Stamp, restamp
from reports.conflicts import refuse_conflict
from reports.models import LIVE, Activity, Case, CaseModel, CaseReference, CaseState, Merge
from reports.redaction import for_readers

PUBLIC = (CaseState.PUBLISHED, CaseState.DISPUTED)


def both(case: Case, into: Case) -> tuple[Case, Case]:
    """Both under their locks, taken in one order for all, so that nobody deadlocks."""
    locked = {row.pk: row for row in Case.objects.select_for_update().filter(pk__in=[case.pk, into.pk]).order_by("pk")}
    return locked[case.pk], locked[into.pk]


def refuse_merge(*, case: Case, into: Case, by: Actor) -> None:
    """Raises what keeps `by` from merging `case` into `into` as they stand."""
    require(by, "reports.decide")
    if case.pk == into.pk:
        raise WrongStateError("a case cannot be merged into itself")
    for one in (case, into):
        if one.state not in LIVE:
            raise WrongStateError(f"case {one.pk} is {one.get_state_display().lower()}; it cannot be merged now")
        refuse_conflict(by, case=one)
    if embargo.in_force(case):
        raise WrongStateError(f"case {case.pk} is under an embargo: merge the other case into it, or end that first")
    if case.state in PUBLIC and into.state not in PUBLIC:
        raise WrongStateError(f"case {case.pk} is public and case {into.pk} is not: merge them the other way round")
    if case.state in PUBLIC:
        require(by, "reports.withdraw")


def are_public(case: Case, into: Case) -> bool:
    """Whether the merge withdraws a public record in favour of another."""
    return case.state in PUBLIC and into.state in PUBLIC


def take_in(*, case: Case, into: Case, by: Actor, notice: str) -> tuple[Merge, Publication | None]:
    """Makes the merge, and its mark on the record where both are public."""
    row = Merge.objects.create(
        case=case,
        into=into,
        by=by if isinstance(by, User) else None,
        state_before=case.state,
        added=_take_over(case, into),
    )
    redacting.hide(into)
    before, publication = case.state, None
    if case.incident and into.incident:
        notice = redacting.hidden(case, notice)
        publication = publishing.revise(Operation.MERGE, merged_record(case, into, notice))
    case.state = CaseState.MERGED
    case.save(update_fields=["state"])
    record_activity(by, "merge", case=case, before=before, after=case.state, note=f"into case {into.pk}. {notice}")
    record_activity(by, "merge", case=into, before=into.state, after=into.state, note=f"took in case {case.pk}")
    return row, publication


def merged_record(case: Case, into: Case, notice: str) -> Record:
    """The record as it will read once it is withdrawn in favour of the other; nothing but its marks changes."""
    if case.incident is None or into.incident is None:
        raise WrongStateError("only public records are merged in public")
    return marked(Operation.MERGE, case.incident, Status.WITHDRAWN, notice, successor=into.incident.public_id)


def marked(operation: Operation, incident: Incident, status: Status, notice: str, *, successor: str = "") -> Record:
    """A new version of a public record with another mark, and nothing else changed."""
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
    return restamp(incident.document, stamp)


def last_activity(case: Case, into: Case) -> int:
    """The primary key of the last activity of either."""
    rows = Activity.objects.filter(Q(case=case) | Q(case=into)).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


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
