"""The life of a report and of a case: one table of moves, one verb each.

Every verb is atomic, takes keywords and the actor (`by`), checks permission and state under a row lock, and writes its
own Activity row.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

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
from incidents.record import Classification, Record, Severity, Source, Status
from lib.canonical import canonical_bytes, digest
from lib.seal import seal, unseal
from reports import conversation, duplicates, mail, matching, other_ids, redacting, replies
from reports.abuse import UNSUSPECTED, Suspicion
from reports.abuse.repeats import simhash
from reports.actors import REPORTER, Actor, NotReadyError, WrongStateError, record_activity, require
from reports.aggregation import CaseParts, Stamp, restamp, summarise
from reports.conflicts import refuse_conflict
from reports.leases import lease_end
from reports.models import (
    LIVE,
    UNDECIDED,
    Appeal,
    Case,
    CaseModel,
    CaseReference,
    CaseState,
    Contact,
    Credit,
    MessageKind,
    NamedModel,
    RejectReason,
    Report,
    ReportState,
    Statement,
    StatementState,
)
from reports.receipts import new_receipt, receipt_key
from reports.submission import Submission
from reports.undoing import Standing, remember


@dataclass(frozen=True)
class Move:
    """A verb's permission, the states it starts from and the state it leads to."""

    permission: str
    before: frozenset[str]
    after: str


_IN_FORCE = frozenset({CaseState.PUBLISHED, CaseState.DISPUTED})

REPORT_MOVES = {
    "claim": Move("reports.decide", frozenset({ReportState.RECEIVED, ReportState.IN_REVIEW}), ReportState.IN_REVIEW),
    "release": Move("reports.decide", frozenset({ReportState.IN_REVIEW, ReportState.NEEDS_INFO}), ReportState.RECEIVED),
    "ask": Move("reports.decide", UNDECIDED, ReportState.NEEDS_INFO),
    "resume": Move("reports.decide", frozenset({ReportState.NEEDS_INFO}), ReportState.IN_REVIEW),
    "accept": Move("reports.decide", UNDECIDED, ReportState.ACCEPTED),
    "reject": Move("reports.decide", UNDECIDED, ReportState.REJECTED),
    "reopen": Move("reports.decide", frozenset({ReportState.REJECTED}), ReportState.RECEIVED),
}
CASE_MOVES = {
    "publish": Move("reports.publish", frozenset({CaseState.OPEN}), CaseState.PUBLISHED),
    "correct": Move("reports.publish", _IN_FORCE, CaseState.PUBLISHED),
    "dispute": Move("reports.publish", frozenset({CaseState.PUBLISHED}), CaseState.DISPUTED),
    "withdraw": Move("reports.withdraw", _IN_FORCE, CaseState.WITHDRAWN),
    "erase": Move("reports.erase", _IN_FORCE | {CaseState.WITHDRAWN, CaseState.MERGED}, CaseState.ERASED),
}
# Leaves the state as it is.
_ADD_STATEMENTS = Move("reports.publish", _IN_FORCE, "")


@dataclass(frozen=True)
class Submitted:
    """A stored report; `receipt` is for the reporter alone, "" for imports."""

    report: Report
    receipt: str


@transaction.atomic
def submit(
    *,
    submission: Submission,
    source: str,
    source_id: str = "",
    by: Actor = REPORTER,
    suspicion: Suspicion = UNSUSPECTED,
) -> Submitted:
    """Stores a report, names its models to the catalogue, and hands out a receipt where a person reports.

    `suspicion` sorts it in the queue and is no reason to refuse it.
    """
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
        about_incident=submission.about_incident or "",
        language=submission.language,
        claimed_severity=submission.impact.severity if submission.impact else Severity.UNKNOWN,
        embargo_wish=submission.disclosure.embargo_until if submission.disclosure else None,
        **submission.parts(),
        suspected_spam=suspicion.suspected,
        spam_score=suspicion.score,
        spam_reasons=list(suspicion.reasons),
        text_hash=simhash(submission.text),
    )
    if submission.contact:
        Contact.objects.create(report=report, sealed=seal(submission.contact))
    if submission.consent and submission.consent.credit_name:
        Credit.objects.create(report=report, sealed=seal(submission.consent.credit_name))
    NamedModel.objects.bulk_create(_named(report, submission.models))
    duplicates.remember_report(report)
    record_activity(by, "submit", report=report, after=report.state)
    return Submitted(report, receipt)


def content_digest(submission: Submission) -> str:
    """SHA-256 over the canonical content of the submission: equal reports have equal digests, whoever sent them."""
    return digest(canonical_bytes(submission.content()))


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
    """What a reporter named, also by a name that a moderator once matched, or why it names no model on a hub."""
    try:
        return references.read(asked)
    except UnreadableReferenceError as error:
        return matching.known(asked) or str(error)


@transaction.atomic
def claim(*, report: Report, by: User) -> Report:
    """Takes a report out of the queue for `by`, until the lease runs out; again for whoever holds it already."""
    return _move_report("claim", report, by, owner=by, held_until=lease_end()).report


@transaction.atomic
def release(*, report: Report, by: User) -> Report:
    """Puts a claimed report back into the queue."""
    moved = _move_report("release", report, by, owner=None, held_until=None)
    remember(report=moved.report, by=by, verb="release", before=moved.before)
    return moved.report


@transaction.atomic
def reject(
    *,
    report: Report,
    by: Actor,
    reason: RejectReason,
    note: str = "",
    added: str = "",
    batch: UUID | None = None,
) -> Report:
    """Closes a report without a case. `note` is for moderators; `added` follows the reason's reply to the reporter.

    `batch` marks what one press decided.
    """
    said = f"{reason.label}. {note}".strip()
    moved = _move_report("reject", report, by, note=said, owner=None, held_until=None, reject_reason=reason)
    row = moved.report
    if row.receipt_key:
        conversation.say(report=row, by=by, text=replies.compose(reason, row, added), kind=MessageKind.REPLY)
    remember(report=row, by=by, verb="reject", before=moved.before, batch=batch)
    return row


@transaction.atomic
def reopen(*, report: Report, by: Actor) -> Report:
    """Puts a rejected report back into the queue. An open appeal is decided, not passed over."""
    if Appeal.objects.filter(report=report, outcome="").exists():
        raise WrongStateError(f"the reporter has appealed against the rejection of report {report.pk}: decide on that")
    row = _move_report("reopen", report, by, owner=None, held_until=None, reject_reason="").report
    conversation.forget_unsent(report=row, kind=MessageKind.REPLY)
    return row


@transaction.atomic
def ask(*, report: Report, by: Actor, reason: replies.AskReason, added: str = "") -> Report:
    """Asks the reporter for more. Their answer brings the report back; so does `resume`."""
    if report.receipt_key is None:
        raise WrongStateError(f"nobody holds a receipt of report {report.pk}; nobody would answer")
    row = _move_report("ask", report, by, note=reason.label).report
    text = replies.compose(reason, row, added)
    conversation.say(report=row, by=by, text=text, kind=MessageKind.QUESTION)
    return row


@transaction.atomic
def resume(*, report: Report, by: Actor) -> Report:
    """Goes on with a report without waiting for its reporter any longer."""
    row = _move_report("resume", report, by).report
    conversation.forget_unsent(report=row, kind=MessageKind.QUESTION)
    return row


@transaction.atomic
def accept(*, report: Report, by: Actor, case: Case | None = None) -> Case:
    """Puts a report into `case`, or into a new one that starts from what the report says in its structured fields.

    A new case takes no free text but the title: public wording is the moderator's.
    """
    moved = _move_report("accept", report, by, owner=None, held_until=None)
    joined = open_case(report=moved.report, by=by) if case is None else live_case(case)
    refuse_conflict(by, case=joined)
    added = join(report=moved.report, case=joined, by=by)
    mail.there_is_news(report=moved.report, certain=True)
    remember(
        report=moved.report,
        by=by,
        verb="accept",
        before=moved.before,
        case=joined,
        opened_case=case is None,
        models_added=added.models,
        ids_added=added.ids,
    )
    return joined


def open_case(*, report: Report, by: Actor) -> Case:
    """A new case that starts from a report's structured fields; the report has yet to join it."""
    case = Case.objects.create(title=report.title, category=report.category, kind=report.kind, occurred=report.occurred)
    CaseReference.objects.bulk_create(CaseReference(case=case, title=link[:500], url=link) for link in report.links)
    record_activity(by, "open", case=case, after=case.state)
    return case


def live_case(case: Case) -> Case:
    """The case under its lock. Raises WrongStateError where it no longer takes anything in."""
    row = Case.objects.select_for_update().get(pk=case.pk)
    if row.state not in LIVE:
        was = "was withdrawn; open a new one" if row.state == CaseState.WITHDRAWN else f"is {row.state}"
        raise WrongStateError(f"case {row.pk} {was}")
    return row


@dataclass(frozen=True)
class Joined:
    """What a case gained by a report: models, as primary keys, and ids in other databases."""

    models: list[int]
    ids: list[str]


def join(*, report: Report, case: Case, by: Actor) -> Joined:
    """Puts a report into a case that the caller has locked."""
    case.reports.add(report)
    added = Joined(_add_models(case, report), other_ids.add_to(case, report))
    redacting.hide(case)
    record_activity(by, "group", report=report, case=case)
    return added


def _add_models(case: Case, report: Report) -> list[int]:
    added: list[int] = []
    known = {(model.alias_id, model.name.lower(), model.revision, model.file) for model in case.models.all()}
    for named in report.named_models.select_related("alias").order_by("pk"):
        name = "" if named.alias_id else named.asked[:300]
        subject = (named.alias_id, name.lower(), named.revision, named.file)
        if subject not in known:
            known.add(subject)
            row = CaseModel(case=case, alias=named.alias, name=name, revision=named.revision, file=named.file)
            row.save()
            added.append(row.pk)
    return added


@transaction.atomic
def contact_of(*, report: Report, by: Actor) -> str:
    """How to reach the reporter, "" where none was left; that `by` looked is recorded. Raises UnreadableSealError."""
    require(by, "reports.view_contact")
    refuse_conflict(by, report=report)
    contact = Contact.objects.filter(report=report).first()
    record_activity(by, "view contact", report=report)
    return unseal(bytes(contact.sealed)) if contact else ""


@transaction.atomic
def edited(*, case: Case, by: Actor, fields: Iterable[str]) -> None:
    """Notes that `by` changed the case's wording, and keeps out of it what was taken out.

    What is already public stays until `correct`.
    """
    require(by, "reports.decide")
    refuse_conflict(by, case=case)
    redacting.hide(case)
    if changed := sorted(set(fields)):
        record_activity(by, "edit", case=case, note=", ".join(changed))


@transaction.atomic
def publish(*, case: Case, by: Actor) -> Publication:
    """Makes the case public for the first time, at once. People go through `reports.release`."""
    case = _move_case("publish", case, by)
    now = timezone.now()
    publication = publishing.publish(_record_of(case, _first_stamp(publishing.mint_public_id(now), now)))
    case.incident, case.state = publication.incident, CASE_MOVES["publish"].after
    for report in case.reports.order_by("pk"):
        mail.there_is_news(report=report, certain=True)
    return _published(case, "publish", by, publication)


def correct(*, case: Case, by: Actor, notice: str) -> Publication:
    """Makes the case's present wording public, and says why it changed. Ends a dispute."""
    return _revise("correct", case, by, notice)


def dispute(*, case: Case, by: Actor, notice: str) -> Publication:
    """Marks the record as disputed, with the reasons."""
    return _revise("dispute", case, by, notice)


def withdraw(*, case: Case, by: Actor, notice: str) -> Publication:
    """Withdraws the record; it stays readable with the reason, so that citations resolve."""
    return _revise("withdraw", case, by, notice)


@transaction.atomic
def add_statements(*, case: Case, by: Actor) -> Publication:
    """Adds the publisher's approved statements to the record as it is public; its wording and its mark stay."""
    case = _move_case("add_statements", case, by)
    record = proposed("add_statements", case)
    operation = Operation.DISPUTE if record.status is Status.DISPUTED else Operation.CORRECT
    return _published(case, "add statements", by, publishing.revise(operation, record))


@transaction.atomic
def _revise(verb: str, case: Case, by: Actor, notice: str) -> Publication:
    if not notice.strip():
        raise NotReadyError([f"to {verb} a record, say why: the reason is public"])
    case = _move_case(verb, case, by)
    record = proposed(verb, case, notice=notice)
    case.state = CASE_MOVES[verb].after
    return _published(case, verb, by, publishing.revise(Operation(verb), record), note=record.notice)


def proposed(verb: str, case: Case, *, notice: str = "") -> Record:
    """The record that a verb would make public now. Raises pydantic.ValidationError where the case is not ready."""
    if verb == "publish":
        return _record_of(case, _first_stamp("FL-2000-00000000", timezone.now()))
    if case.incident is None:
        raise WrongStateError(f"case {case.pk} was never published")
    standing = case.incident
    stamp = Stamp(
        public_id=standing.public_id,
        origin=standing.origin,
        version=standing.version + 1,
        status=Status(CASE_MOVES[verb].after) if verb in CASE_MOVES else Status(standing.status),
        published=publishing.instant(standing.published_at),
        modified=publishing.instant(timezone.now()),
        notice=redacting.hidden(case, notice),
    )
    # Only a correction reads the case: its wording may hold what nobody has meant for the public yet.
    if verb == "correct":
        return _record_of(case, stamp)
    if verb != "add_statements":
        return restamp(standing.document, stamp)
    # A disputed record goes on saying why.
    notice = json.loads(bytes(standing.document))["notice"] if standing.status == Status.DISPUTED else _STATEMENT_ADDED
    return restamp(standing.document, replace(stamp, notice=notice), _approved_statements(case))


_STATEMENT_ADDED = "A statement of the publisher was added."


def _first_stamp(public_id: str, now: datetime) -> Stamp:
    at = publishing.instant(now)
    return Stamp(public_id, settings.NODE_NAME, 1, Status.PUBLISHED, published=at, modified=at)


def _approved_statements(case: Case) -> list[Statement]:
    """In what a publisher says, too, nothing stands that was taken out of the case."""
    approved = case.statements.filter(state=StatementState.APPROVED).select_related("link")
    found = list(approved.order_by("received_at", "pk"))
    for statement in found:
        statement.text = redacting.hidden(case, statement.text)
    return found


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
        statements=_approved_statements(case),
        excerpts=list(case.excerpts.all()),
        taken_out=tuple(redacting.passages(case)),
    )
    return summarise(case, parts, stamp)


def not_ready(case: Case) -> list[str]:
    """What keeps the case from being published, as sentences; empty when it is ready."""
    problems = [
        f"{name} now leads to another model on its hub: name what the report is about, or by name only"
        for name in _led_elsewhere(case)
    ]
    problems += redacting.problems(case)
    if _all_withdrawn(case):
        problems.append("its reporters took back every report of it: nothing is left to publish")
    try:
        proposed("publish", case)
    except ValidationError as error:
        problems += [_sentence(problem) for problem in error.errors()]
    return problems


def _all_withdrawn(case: Case) -> bool:
    """Whether a case that is not public yet rests on nothing any more. What is public is the moderators' record."""
    states = set(case.reports.values_list("state", flat=True))
    return case.state == CaseState.OPEN and states == {ReportState.WITHDRAWN}


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
    case.save(update_fields=["state", "incident"])
    record_activity(by, verb, case=case, after=case.state, note=f"#{publication.number} {note}".strip())
    return publication


@dataclass(frozen=True)
class _Moved:
    report: Report
    before: Standing


def _move_report(verb: str, report: Report, by: Actor, *, note: str = "", **changes: Any) -> _Moved:
    move = REPORT_MOVES[verb]
    require(by, move.permission)
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.state not in move.before:
        raise WrongStateError(f"report {row.pk} is {row.get_state_display().lower()}; it cannot be {_PAST[verb]} now")
    holder = row.holder
    # A senior moderator may release what somebody else holds.
    if holder not in (None, by) and not (verb == "release" and by.has_perm("reports.withdraw")):
        raise WrongStateError(f"report {row.pk} is held by {holder}")
    if verb != "release":
        refuse_conflict(by, report=row)
    before, row.state = Standing(row.state, held=holder is not None and holder == by), move.after
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["state", *changes])
    record_activity(by, verb, report=row, before=before.state, after=row.state, note=note)
    return _Moved(row, before)


_PAST = {
    "claim": "claimed",
    "release": "released",
    "accept": "accepted",
    "reject": "rejected",
    "reopen": "reopened",
    "ask": "asked about",
    "resume": "resumed",
}


def _move_case(verb: str, case: Case, by: Actor) -> Case:
    row = Case.objects.select_for_update().get(pk=case.pk)
    check_move(verb, case=row, by=by)
    return row


def check_move(verb: str, *, case: Case, by: Actor) -> None:
    """Raises what keeps `by` from doing this to the case as it stands. The caller holds the case's lock."""
    move = CASE_MOVES.get(verb, _ADD_STATEMENTS)
    require(by, move.permission)
    refuse_conflict(by, case=case)
    if case.state not in move.before:
        raise WrongStateError(
            f"case {case.pk} is {case.get_state_display().lower()}; it is too late or too early to {verb}"
        )
    if verb in {"publish", "correct"} and (problems := not_ready(case)):
        raise NotReadyError(problems)
