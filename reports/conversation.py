"""What moderators and an anonymous reporter say to each other, behind the receipt.

Words are sealed at rest. The reporter knows moderators only as "Moderator". What a moderator says can be taken back for
`UNDO_SECONDS`, and only then reaches the reporter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from pydantic import TypeAdapter, ValidationError

from accounts.models import User
from incidents.record import WebUrl
from lib.refusal import RefusalError
from lib.seal import UnreadableSealError, seal, unseal
from reports import mail
from reports.actors import REPORTER, Actor, WrongStateError, record_activity, require
from reports.models import Activity, Message, MessageKind, Report, ReportState
from reports.receipts import holds_receipt

UNDO_SECONDS = 30
LONGEST = 10_000
MOST_LINKS = 20
MOST_MESSAGES = 300

_link = TypeAdapter(WebUrl)


class RefusedMessageError(RefusalError):
    """The message is not taken; the error is a sentence for who wrote it."""


@dataclass(frozen=True)
class Said:
    """One message as either side reads it. `who` is "You", "Moderator", "Reporter" or an account's name."""

    pk: int
    who: str
    at: datetime
    kind: str
    label: str
    text: str
    from_reporter: bool
    unread: bool
    pending: bool


@transaction.atomic
def say(*, report: Report, by: Actor, text: str, kind: MessageKind = MessageKind.MESSAGE) -> Message:
    """A moderator's words to the reporter. Raises RefusedMessageError, WrongStateError, NotAllowedError."""
    require(by, "reports.decide")
    report = _locked(report)
    if report.receipt_key is None:
        raise WrongStateError(f"nobody holds a receipt of report {report.pk}; nobody would read it")
    author = by if isinstance(by, User) else None
    visible = timezone.now() + timedelta(seconds=UNDO_SECONDS)
    message = _store(report, text, kind=kind, from_reporter=False, author=author, visible_at=visible)
    record_activity(by, "say", report=report, note=kind.label)
    mail.there_is_news(report=report, at=visible)
    return message


@transaction.atomic
def take_back(*, message: Message, by: Actor) -> None:
    """Takes a moderator's words back before the reporter can have read them; WrongStateError when it is too late."""
    require(by, "reports.decide")
    own = Message.objects.filter(pk=message.pk, from_reporter=False, author=by.pk, visible_at__gt=timezone.now())
    if not own.delete()[0]:
        raise WrongStateError("the message has reached the reporter, or is not yours")
    record_activity(by, "take back", report=message.report, note=message.get_kind_display())


def forget_unsent(*, report: Report, kind: MessageKind) -> None:
    """Drops what moderators said and the reporter cannot have read yet, when the move that said it is undone."""
    report.messages.filter(from_reporter=False, kind=kind, visible_at__gt=timezone.now()).delete()


@transaction.atomic
def answer(*, report: Report, text: str, once: str = "") -> Message:
    """The reporter's words to the moderators; a report that waited for them goes back to its moderator."""
    report = _locked(report)
    if before := _said_before(report, once):
        return before
    message = _store(report, text, kind=MessageKind.MESSAGE, once=once, from_reporter=True)
    record_activity(REPORTER, "answer", report=report, **_resume(report))
    return message


@transaction.atomic
def add_evidence(*, report: Report, text: str, links: Iterable[str] = (), once: str = "") -> Message:
    """More evidence from the reporter, as text and links. Raises RefusedMessageError."""
    report, lines = _locked(report), _links(links)
    if before := _said_before(report, once):
        return before
    whole = "\n\n".join(part for part in (text.strip(), "\n".join(lines)) if part)
    message = _store(report, whole, kind=MessageKind.EVIDENCE, once=once, from_reporter=True)
    record_activity(REPORTER, "add evidence", report=report, **_resume(report))
    return message


@transaction.atomic
def object_to(*, report: Report, text: str, once: str = "") -> Message:
    """The words of an appeal; `reports.appeals.appeal` is the verb."""
    return _store(_locked(report), text, kind=MessageKind.APPEAL, once=once, from_reporter=True)


@transaction.atomic
def read_by_reporter(*, report: Report) -> list[Said]:
    """The whole thread as the reporter may see it, oldest first; what was new is read from now on."""
    now = timezone.now()
    messages = list(report.messages.filter(visible_at__lte=now))
    report.messages.filter(from_reporter=False, read_at=None, visible_at__lte=now).update(read_at=now)
    mail.reporter_looked(report=report)
    return [_said(one, now, who="You" if one.from_reporter else "Moderator") for one in messages]


@transaction.atomic
def read_by_moderator(*, report: Report, by: Actor) -> list[Said]:
    """The whole thread for `by`, oldest first; what was new is read once somebody who decides has seen it."""
    now = timezone.now()
    messages = list(report.messages.select_related("author"))
    if by.has_perm("reports.decide"):
        report.messages.filter(from_reporter=True, read_at=None).update(read_at=now)
    names = {one.pk: "Reporter" if one.from_reporter else str(one.author or "Moderator") for one in messages}
    return [_said(one, now, who=names[one.pk]) for one in messages]


# What a moderator does that deals with whatever the reporter had written by then.
DEALS_WITH = ("say", "ask", "resume", "accept", "reject", "reopen", "decide appeal", "nothing to answer")


def unanswered() -> QuerySet[Message]:
    """What reporters wrote that no moderator has dealt with; having read it is not enough. Appeals wait apart."""
    dealt = Activity.objects.filter(report=OuterRef("report"), verb__in=DEALS_WITH, at__gte=OuterRef("at"))
    said = Message.objects.filter(from_reporter=True).exclude(kind=MessageKind.APPEAL)
    return said.exclude(report__state=ReportState.WITHDRAWN).exclude(Exists(dealt))


@transaction.atomic
def nothing_to_answer(*, report: Report, by: Actor) -> None:
    """What the reporter wrote needs no answer: it waits no longer. Raises WrongStateError where nothing waits."""
    require(by, "reports.decide")
    report = _locked(report)
    if not unanswered().filter(report=report).exists():
        raise WrongStateError(f"nothing that the reporter wrote on report {report.pk} waits for an answer")
    record_activity(by, "nothing to answer", report=report)


def _said(message: Message, now: datetime, *, who: str) -> Said:
    try:
        text = unseal(bytes(message.sealed))
    except UnreadableSealError:
        text = gettext("(None of this node's keys opens this message.)")
    return Said(
        pk=message.pk,
        who=who,
        at=message.at,
        kind=message.kind,
        label=message.get_kind_display(),
        text=text,
        from_reporter=message.from_reporter,
        unread=message.read_at is None,
        pending=message.visible_at > now,
    )


def _locked(report: Report) -> Report:
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.state == ReportState.WITHDRAWN:
        raise WrongStateError(f"report {row.pk} was withdrawn by its reporter")
    return row


def _said_before(report: Report, once: str) -> Message | None:
    """What the same form, sent before, has said."""
    return report.messages.filter(once=once[:64]).first() if once else None


def _store(
    report: Report, text: str, *, kind: MessageKind, from_reporter: bool, once: str = "", **fields: object
) -> Message:
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text:
        raise RefusedMessageError("Write something first.")
    if len(text) > LONGEST:
        raise RefusedMessageError(
            "Write at most %(most)s characters; this has %(has)s. Send it in parts.",
            most=f"{LONGEST:,}",
            has=f"{len(text):,}",
        )
    if holds_receipt(text, report):
        raise RefusedMessageError(
            "This holds the receipt code itself. Take it out: whoever knows the code can read and withdraw the report."
        )
    if from_reporter and report.messages.filter(from_reporter=True).count() >= MOST_MESSAGES:
        raise RefusedMessageError("This report has as many messages as we can keep with it.")
    now = timezone.now()
    values = {"visible_at": now, **fields}
    return Message.objects.create(
        report=report, at=now, kind=kind, once=once[:64], from_reporter=from_reporter, sealed=seal(text), **values
    )


def _links(links: Iterable[str]) -> list[str]:
    lines = [line.strip() for line in links if line.strip()]
    if len(lines) > MOST_LINKS:
        raise RefusedMessageError("Send at most %(most)s links at a time.", most=MOST_LINKS)
    for line in lines:
        try:
            _link.validate_python(line)
        except ValidationError as error:
            raise RefusedMessageError("Each line is one link that begins with https:// or http://.") from error
    return lines


def _resume(report: Report) -> dict[str, str]:
    """A report that waited for its reporter waits for its moderator again."""
    if report.state != ReportState.NEEDS_INFO:
        return {}
    before, report.state = report.state, ReportState.IN_REVIEW if report.owner_id else ReportState.RECEIVED
    report.save(update_fields=["state"])
    return {"before": before, "after": report.state}
