"""The life of a report and of a case: one table of moves, one verb each.

Every verb is atomic, takes keywords and the actor (`by`), checks permission and state under a row lock, and writes its
own Activity row.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from accounts.models import User
from catalogue import naming, references, snapshots
from catalogue.hub import Outcome, Reference, UnreadableReferenceError
from catalogue.models import Lookup
from incidents import publishing
from incidents.models import Operation, Publication
from incidents.record import Classification, Record, Source, Status
from lib.canonical import canonical_bytes, digest
from lib.seal import seal, unseal
from reports import duplicates, redacting
from reports.actors import REPORTER, Actor, NotReadyError, WrongStateError, record_activity, require
from reports.aggregation import CaseParts, Stamp, restamp, summarise
from reports.models import (
    Case,
    CaseModel,
    CaseReference,
    CaseState,
    Contact,
    NamedModel,
    RejectReason,
    Report,
    ReportState,
)
from reports.receipts import new_receipt, receipt_key
from reports.submission import Submission


@dataclass(frozen=True)
class Move:
    """A verb's permission, the states it starts from and the state it leads to."""

    permission: str
    before: frozenset[str]
    after: str


_UNDECIDED = frozenset({ReportState.RECEIVED, ReportState.IN_REVIEW})
_IN_FORCE = frozenset({CaseState.PUBLISHED, CaseState.DISPUTED})

REPORT_MOVES = {
    "claim": Move("reports.decide", frozenset({ReportState.RECEIVED}), ReportState.IN_REVIEW),
    "release": Move("reports.decide", frozenset({ReportState.IN_REVIEW}), ReportState.RECEIVED),
    "accept": Move("reports.decide", _UNDECIDED, ReportState.ACCEPTED),
    "reject": Move("reports.decide", _UNDECIDED, ReportState.REJECTED),
    "reopen": Move("reports.decide", frozenset({ReportState.REJECTED}), ReportState.RECEIVED),
}
CASE_MOVES = {
    "publish": Move("reports.publish", frozenset({CaseState.OPEN}), CaseState.PUBLISHED),
    "correct": Move("reports.publish", _IN_FORCE, CaseState.PUBLISHED),
    "dispute": Move("reports.publish", frozenset({CaseState.PUBLISHED}), CaseState.DISPUTED),
    "withdraw": Move("reports.withdraw", _IN_FORCE, CaseState.WITHDRAWN),
}


@dataclass(frozen=True)
class Submitted:
    """A stored report; `receipt` is shown once and stored nowhere, "" for imports."""

    report: Report
    receipt: str


@transaction.atomic
def submit(*, submission: Submission, source: str, source_id: str = "", by: Actor = REPORTER) -> Submitted:
    """Stores a report, names its models to the catalogue, and hands out a receipt where a person reports."""
    receipt = "" if source_id else new_receipt()
    report = Report.objects.create(
        source=source,
        source_id=source_id,
        receipt_key=receipt_key(receipt) if receipt else None,
        content_digest=content_digest(submission),
        title=submission.title,
        text=submission.text,
        category=submission.category,
        kind=submission.kind,
        occurred=submission.occurred or "",
        links=list(submission.links),
    )
    if submission.contact:
        Contact.objects.create(report=report, sealed=seal(submission.contact))
    NamedModel.objects.bulk_create(_named(report, submission.models))
    duplicates.remember_report(report)
    record_activity(by, "submit", report=report, after=report.state)
    return Submitted(report, receipt)


def content_digest(submission: Submission) -> str:
    """SHA-256 over the canonical submission without its contact: equal reports have equal digests."""
    return digest(canonical_bytes(submission.model_dump(mode="json", exclude={"contact"})))


def _named(report: Report, models: tuple[str, ...]) -> list[NamedModel]:
    """The models in the order given. They are named to the catalogue in one order for all, so that nobody deadlocks."""
    read = [(asked, _read(asked)) for asked in models]
    known = {found: None for _, found in read if isinstance(found, Reference)}
    aliases = {found: naming.name_model(found) for found in sorted(known, key=lambda one: (one.hub, one.name.lower()))}
    return [
        NamedModel(report=report, asked=asked, alias=aliases[found], revision=found.revision, file=found.file)
        if isinstance(found, Reference)
        else NamedModel(report=report, asked=asked, problem=found[:300])
        for asked, found in read
    ]


def _read(asked: str) -> Reference | str:
    """What a reporter named, or why it names no model on a hub."""
    try:
        return references.read(asked)
    except UnreadableReferenceError as error:
        return str(error)


@transaction.atomic
def claim(*, report: Report, by: User) -> Report:
    """Takes a report out of the queue for `by`."""
    return _move_report("claim", report, by, owner=by)


@transaction.atomic
def claim_next(*, by: User) -> Report | None:
    """Takes the oldest report nobody holds out of the queue for `by`; None when none waits."""
    require(by, REPORT_MOVES["claim"].permission)
    waiting = Report.objects.filter(state=ReportState.RECEIVED).order_by("submitted_at", "pk")
    report = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    return claim(report=report, by=by) if report else None


@transaction.atomic
def release(*, report: Report, by: User) -> Report:
    """Puts a claimed report back into the queue."""
    return _move_report("release", report, by, owner=None)


@transaction.atomic
def reject(*, report: Report, by: Actor, reason: RejectReason, note: str = "") -> Report:
    """Closes a report without a case. The note is for moderators."""
    said = f"{reason.label}. {note}".strip()
    return _move_report("reject", report, by, note=said, owner=None, reject_reason=reason)


@transaction.atomic
def reopen(*, report: Report, by: Actor) -> Report:
    """Puts a rejected report back into the queue."""
    return _move_report("reopen", report, by, owner=None, reject_reason="")


@transaction.atomic
def accept(*, report: Report, by: Actor, case: Case | None = None) -> Case:
    """Puts a report into `case`, or into a new one that starts from what the report says in its structured fields.

    A new case takes no free text but the title: public wording is the moderator's.
    """
    moved = _move_report("accept", report, by, owner=None)
    if case is None:
        case = Case.objects.create(title=moved.title, category=moved.category, kind=moved.kind, occurred=moved.occurred)
        CaseReference.objects.bulk_create(CaseReference(case=case, title=link[:500], url=link) for link in moved.links)
        record_activity(by, "open", case=case, after=case.state)
    else:
        case = Case.objects.select_for_update().get(pk=case.pk)
        if case.state == CaseState.WITHDRAWN:
            raise WrongStateError(f"case {case.pk} was withdrawn; open a new one")
    case.reports.add(moved)
    _add_models(case, moved)
    redacting.hide(case)
    record_activity(by, "group", report=moved, case=case)
    return case


def _add_models(case: Case, report: Report) -> None:
    known = {(model.alias_id, model.name.lower(), model.revision, model.file) for model in case.models.all()}
    for named in report.named_models.select_related("alias").order_by("pk"):
        name = "" if named.alias_id else named.asked[:300]
        subject = (named.alias_id, name.lower(), named.revision, named.file)
        if subject not in known:
            known.add(subject)
            CaseModel.objects.create(case=case, alias=named.alias, name=name, revision=named.revision, file=named.file)


@transaction.atomic
def contact_of(*, report: Report, by: Actor) -> str:
    """How to reach the reporter, "" where none was left; that `by` looked is recorded. Raises UnreadableSealError."""
    require(by, "reports.view_contact")
    contact = Contact.objects.filter(report=report).first()
    record_activity(by, "view contact", report=report)
    return unseal(bytes(contact.sealed)) if contact else ""


@transaction.atomic
def edited(*, case: Case, by: Actor, fields: Iterable[str]) -> None:
    """Notes that `by` changed the case's wording, and keeps out of it what was taken out.

    What is already public stays until `correct`.
    """
    require(by, "reports.decide")
    redacting.hide(case)
    if changed := sorted(set(fields)):
        record_activity(by, "edit", case=case, note=", ".join(changed))


@transaction.atomic
def publish(*, case: Case, by: Actor) -> Publication:
    """Makes the case public for the first time."""
    case = _move_case("publish", case, by)
    now = timezone.now()
    stamp = Stamp(
        public_id=publishing.mint_public_id(now),
        origin=settings.NODE_NAME,
        version=1,
        status=Status.PUBLISHED,
        published=publishing.instant(now),
        modified=publishing.instant(now),
    )
    publication = publishing.publish(_record_of(case, stamp))
    case.incident = publication.incident
    return _published(case, "publish", by, publication)


def correct(*, case: Case, by: Actor, notice: str) -> Publication:
    """Makes the case's present wording public, and says why it changed. Ends a dispute."""
    return _revise("correct", Operation.CORRECT, case, by, notice)


def dispute(*, case: Case, by: Actor, notice: str) -> Publication:
    """Marks the record as disputed, with the reasons."""
    return _revise("dispute", Operation.DISPUTE, case, by, notice)


def withdraw(*, case: Case, by: Actor, notice: str) -> Publication:
    """Withdraws the record; it stays readable with the reason, so that citations resolve."""
    return _revise("withdraw", Operation.WITHDRAW, case, by, notice)


@transaction.atomic
def _revise(verb: str, operation: Operation, case: Case, by: Actor, notice: str) -> Publication:
    if not notice.strip():
        raise NotReadyError([f"to {verb} a record, say why: the reason is public"])
    case = _move_case(verb, case, by)
    notice = redacting.hidden(case, notice)
    if case.incident is None:
        raise WrongStateError(f"case {case.pk} was never published")
    stamp = Stamp(
        public_id=case.incident.public_id,
        origin=case.incident.origin,
        version=case.incident.version + 1,
        status=Status(CASE_MOVES[verb].after),
        published=publishing.instant(case.incident.published_at),
        modified=publishing.instant(timezone.now()),
        notice=notice,
    )
    # Only a correction reads the case: its wording may hold what nobody has meant for the public yet.
    record = _record_of(case, stamp) if operation is Operation.CORRECT else restamp(case.incident.document, stamp)
    return _published(case, verb, by, publishing.revise(operation, record), note=notice)


def _record_of(case: Case, stamp: Stamp) -> Record:
    models = list(case.models.select_related("alias__model").order_by("pk"))
    on_hubs = {model.pk: model.alias.model for model in models if model.alias}
    latest = {model.pk: snapshots.confirmed_snapshot(model.alias, model.revision) for model in models if model.alias}
    first_reported = case.reports.order_by("submitted_at").values_list("submitted_at", flat=True).first()
    parts = CaseParts(
        models=models,
        references=[
            Source(title=row.title, publisher=row.publisher, url=row.url, date=row.date or None)
            for row in case.references.order_by("pk")
        ],
        classifications=[
            Classification(taxonomy=row.taxonomy, term=row.term)
            for row in case.classifications.order_by("taxonomy", "term")
        ],
        snapshots={pk: snapshot for pk, snapshot in latest.items() if snapshot},
        drift={pk: list(snapshots.drift_since(model, first_reported)) for pk, model in on_hubs.items()},
        taken_out=tuple(redacting.passages(case)),
    )
    return summarise(case, parts, stamp)


def not_ready(case: Case) -> list[str]:
    """What keeps the case from being published, as sentences; empty when it is ready."""
    now = publishing.instant(timezone.now())
    sample = Stamp("FL-2000-00000000", settings.NODE_NAME, 1, Status.PUBLISHED, now, now)
    problems = [
        f"{name} now leads to another model on its hub: name what the report is about, or by name only"
        for name in _led_elsewhere(case)
    ]
    problems += redacting.problems(case)
    try:
        _record_of(case, sample)
    except ValidationError as error:
        problems += [_sentence(problem) for problem in error.errors()]
    return problems


def _led_elsewhere(case: Case) -> list[str]:
    """The case's names that meanwhile lead to another repository than the one we know under them."""
    moved = Lookup.objects.filter(outcome=Outcome.MOVED_TO_OTHER_MODEL, alias__in=case.models.values("alias"))
    return sorted(set(moved.values_list("alias__name", flat=True)))


def _sentence(problem: Any) -> str:
    place = " ".join(str(part) for part in problem["loc"]) or "the case"
    return f"{place.replace('_', ' ')}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _published(case: Case, verb: str, by: Actor, publication: Publication, note: str = "") -> Publication:
    document = json.loads(bytes(publication.document))
    duplicates.remember_incident(publication.incident, Record.model_validate(document))
    case.state = CASE_MOVES[verb].after
    case.save(update_fields=["state", "incident"])
    record_activity(by, verb, case=case, after=case.state, note=f"#{publication.number} {note}".strip())
    return publication


def _move_report(verb: str, report: Report, by: Actor, *, note: str = "", **changes: Any) -> Report:
    move = REPORT_MOVES[verb]
    require(by, move.permission)
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.state not in move.before:
        raise WrongStateError(f"report {row.pk} is {row.get_state_display().lower()}; it cannot be {_PAST[verb]} now")
    if row.owner_id not in (None, by.pk) and not _may_take_over(verb, row, by):
        raise WrongStateError(f"report {row.pk} is held by {row.owner}")
    before, row.state = row.state, move.after
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["state", *changes])
    record_activity(by, verb, report=row, before=before, after=row.state, note=note)
    return row


def _may_take_over(verb: str, report: Report, by: Actor) -> bool:
    """Whether `by` may move what somebody else holds: a deactivated account's, or as a senior, back into the queue."""
    abandoned = report.owner is not None and not report.owner.is_active
    return abandoned or (verb == "release" and by.has_perm("reports.withdraw"))


_PAST = {
    "claim": "claimed",
    "release": "released",
    "accept": "accepted",
    "reject": "rejected",
    "reopen": "reopened",
}


def _move_case(verb: str, case: Case, by: Actor) -> Case:
    move = CASE_MOVES[verb]
    require(by, move.permission)
    row = Case.objects.select_for_update().get(pk=case.pk)
    if row.state not in move.before:
        raise WrongStateError(
            f"case {row.pk} is {row.get_state_display().lower()}; it is too late or too early to {verb}"
        )
    if verb in {"publish", "correct"} and (problems := not_ready(row)):
        raise NotReadyError(problems)
    return row
