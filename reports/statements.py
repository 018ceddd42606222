"""What publishers say: given once through a link, checked by a moderator, printed with the record."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from incidents.record import PublisherStatus, RevisionStatus
from lib.text import clean_text
from reports import release, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError, record_activity, require
from reports.conflicts import has_published, refuse_conflict
from reports.models import Case, CaseModel, CaseState, Release, ReleaseVerb, ReplyLink, Statement, StatementState
from reports.reply import PUBLISHER

DISPUTED = (
    "The publisher of the model disputes this record. Their statement is being checked, and will be printed here."
)
_REPLIED = "the publisher has answered since: read the statement, decide on it, and approve again"


@transaction.atomic
def give(*, link: ReplyLink, text: str, statuses: Sequence[RevisionStatus]) -> Statement:
    """Stores what a publisher says, and uses the link up. A dispute marks a public record at once.

    Whatever was about to be released of the case is cancelled: it was approved without knowing this.
    """
    case = Case.objects.select_for_update().get(pk=link.case_id)
    row = ReplyLink.objects.select_for_update().get(pk=link.pk)
    if row.revoked_at or row.expires_at <= timezone.now() or Statement.objects.filter(link=row).exists():
        raise WrongStateError("this link has been used, or is no longer good")
    if not clean_text(text) and not statuses:
        raise NotReadyError(["write a statement, or say which revisions are affected"])
    disputes = any(status.status is PublisherStatus.DISPUTED for status in statuses)
    statement = Statement.objects.create(
        case=case,
        link=row,
        text=clean_text(text),
        statuses=[status.model_dump(mode="json") for status in statuses],
        disputes=disputes,
    )
    note = f"statement {statement.pk} through the link for {row.publisher}{', disputes the record' if disputes else ''}"
    record_activity(PUBLISHER, "answer", case=case, note=note)
    release.cancel_open(case=case, by=PUBLISHER, reason=_REPLIED)
    if disputes and case.state == CaseState.PUBLISHED:
        workflow.dispute(case=case, by=PUBLISHER, notice=DISPUTED)
    return statement


@transaction.atomic
def approve(*, statement: Statement, by: User, take_over: bool = False) -> Release | None:
    """Lets a statement into the record, and into the case's models with `take_over`; its release where one is due.

    A case that is not public carries its statements with its first publication.
    """
    case, row = _undecided(statement, by)
    row.state, row.decided_by, row.decided_at = StatementState.APPROVED, by, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    record_activity(by, "approve a statement", case=case, note=f"statement {row.pk}")
    if take_over and _take_over(case, row):
        record_activity(by, "edit", case=case, note=f"revisions as in statement {row.pk}")
    if case.state not in (CaseState.PUBLISHED, CaseState.DISPUTED):
        return None
    return release.schedule(case=case, verb=ReleaseVerb.ADD_STATEMENTS, by=by)


@transaction.atomic
def decline(*, statement: Statement, by: User, note: str) -> None:
    """Keeps a statement out of the record, with a reason for the file."""
    case, row = _undecided(statement, by)
    if not note.strip():
        raise NotReadyError(["say why"])
    row.state, row.decided_by, row.decided_at = StatementState.DECLINED, by, timezone.now()
    row.note = note.strip()[:1000]
    row.save(update_fields=["state", "decided_by", "decided_at", "note"])
    record_activity(by, "decline a statement", case=case, note=f"statement {row.pk}: {row.note}")


def _undecided(statement: Statement, by: User) -> tuple[Case, Statement]:
    require(by, "reports.publish")
    case = Case.objects.select_for_update().get(pk=statement.case_id)
    refuse_conflict(by, case=case)
    row = Statement.objects.get(pk=statement.pk)
    if row.state != StatementState.RECEIVED:
        raise WrongStateError(f"statement {row.pk} is {row.get_state_display().lower()} already")
    if row.disputes and has_published(by, case):
        raise NotAllowedError("You published this record: another moderator decides on the publisher's dispute.")
    return case, row


def _take_over(case: Case, statement: Statement) -> bool:
    """Writes the revisions a publisher names as fixed or not affected into the case's models; whether any changed."""
    changed = False
    for said in map(RevisionStatus.model_validate, statement.statuses):
        for model in case.models.select_related("alias__model"):
            if _name(model) == (said.hub, said.name):
                changed |= _note(model, said)
    return changed


def _name(model: CaseModel) -> tuple[str | None, str]:
    return (model.alias.hub, model.alias.model.name) if model.alias else (None, model.name)


def _note(model: CaseModel, said: RevisionStatus) -> bool:
    before = (tuple(model.fixed_in), tuple(model.not_affected_in))
    if said.status is PublisherStatus.FIXED and said.fixed_in:
        model.fixed_in = [*dict.fromkeys([*model.fixed_in, said.fixed_in])]
    if said.status is PublisherStatus.NOT_AFFECTED and said.revision:
        model.not_affected_in = [*dict.fromkeys([*model.not_affected_in, said.revision])]
    model.save(update_fields=["fixed_in", "not_affected_in"])
    return before != (tuple(model.fixed_in), tuple(model.not_affected_in))
