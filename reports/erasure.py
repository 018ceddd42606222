"""Erasing a report: one person asks, another confirms, and everything private about it goes.

What stays is the tombstone: the report's number, its dates, state, door, kind and category, who did what and when, and
the `Erasure` itself. What is public is not touched: a record is withdrawn, by its own verb. A part of reports that
keeps something private joins with one line in `ERASERS`; a new column of a report or a case is erased unless it is
named as kept.
"""

from collections.abc import Callable
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from catalogue.forgetting import forget_unless_known
from reports import evidence, mail
from reports.actors import NotAllowedError, Software, WrongStateError, record_activity, require
from reports.history import ERASE
from reports.models import (
    UNDECIDED,
    Activity,
    Case,
    CaseState,
    ConsoleMessage,
    Contact,
    Credit,
    Decision,
    Embargo,
    EmbargoChange,
    Erasure,
    ErasureReason,
    Fingerprint,
    MailAddress,
    Report,
)

PERMISSION = "reports.erase"
_ERASER = Software("erasure")
# Columns that tell nothing of a person, without which nobody could say what was here.
KEPT_OF_REPORT = frozenset(
    {"id", "state", "submitted_at", "receipt_key", "source", "source_id", "category", "kind", "owner", "reject_reason"}
    | {"suspected_spam", "spam_score"}
)
KEPT_OF_CASE = frozenset({"id", "state", "opened_at", "incident", "kind", "severity", "evidence_grade", "confidence"})


@transaction.atomic
def ask(*, report: Report, by: User, reason: ErasureReason) -> Erasure:
    """Asks for an erasure, which somebody else must confirm. The report must be decided on first."""
    require(by, PERMISSION)
    report = Report.objects.select_for_update().get(pk=report.pk)
    if report.state in UNDECIDED:
        raise WrongStateError(f"report {report.pk} is not decided on; accept or reject it first")
    if Erasure.objects.filter(report=report, done_at=None, dropped_at=None).exists():
        raise WrongStateError(f"the erasure of report {report.pk} waits for a second person already")
    erasure = Erasure.objects.create(report=report, reason=reason, asked_by=by)
    record_activity(by, "ask to erase", report=report, note=erasure.get_reason_display())
    return erasure


@transaction.atomic
def drop(*, erasure: Erasure, by: User) -> Erasure:
    """Gives a request up; anybody may who may ask."""
    require(by, PERMISSION)
    erasure = _opened(erasure)
    erasure.dropped_at = timezone.now()
    erasure.save(update_fields=["dropped_at"])
    record_activity(by, "drop erasure", report=erasure.report)
    return erasure


@transaction.atomic
def confirm(*, erasure: Erasure, by: User) -> Erasure:
    """Erases, as the second person. Nothing brings it back but a backup, which must not be older than its promise."""
    require(by, PERMISSION)
    erasure = _opened(erasure)
    if erasure.asked_by_id == by.pk:
        raise NotAllowedError("somebody else must confirm an erasure that you asked for")
    report = Report.objects.select_for_update().get(pk=erasure.report_id)
    cases = _cases_of_it_alone(report)
    erased = {name: erase(report) for name, erase in ERASERS.items()}
    erasure.confirmed_by, erasure.done_at, erasure.erased = by, timezone.now(), erased
    erasure.save(update_fields=["confirmed_by", "done_at", "erased"])
    record_activity(by, ERASE, report=report, note=erasure.get_reason_display())
    for case in cases:
        record_activity(by, ERASE, case=case, note=erasure.get_reason_display())
    return erasure


def _opened(erasure: Erasure) -> Erasure:
    row = Erasure.objects.select_for_update(of=("self",)).select_related("report").get(pk=erasure.pk)
    if not row.is_open:
        raise WrongStateError(f"the erasure of report {row.report_id} is done or dropped already")
    return row


# --- What goes: each takes the report under its lock, and returns how many rows it emptied or removed ---------------
def _contact(report: Report) -> int:
    return Contact.objects.filter(report=report).delete()[0]


def _credit(report: Report) -> int:
    return Credit.objects.filter(report=report).delete()[0]


def _messages(report: Report) -> int:
    return report.messages.all().delete()[0]


def _mail(report: Report) -> int:
    had = MailAddress.objects.filter(report=report).exists()
    mail.erase_address(report=report)
    return int(had)


def _evidence(report: Report) -> int:
    files = list(report.evidence.all())
    for file in files:
        evidence.forget(evidence=file, by=_ERASER)
    return len(files)


def _cases_of_it_alone(report: Report) -> list[Case]:
    """Cases that nothing public came of and that hold no other report: their wording came from this one.

    That a case was opened for it and closed again when that was undone, only the decision still tells.
    """
    opened = Decision.objects.filter(report=report, opened_case=True).values("case")
    theirs = Q(pk__in=report.cases.values("pk"), state=CaseState.OPEN) | Q(pk__in=opened, state=CaseState.CLOSED)
    cases = Case.objects.filter(theirs).select_for_update().order_by("pk")
    return [case for case in cases if not case.reports.exclude(pk=report.pk).exists()]


def _cases(report: Report) -> int:
    alone = _cases_of_it_alone(report)
    for case in alone:
        empty_case(case)
    return len(alone)


def empty_case(case: Case) -> None:
    """Takes all wording out of a case, and what was said about it; the caller holds its lock."""
    aliases = [row.alias for row in case.models.select_related("alias__model") if row.alias]
    emptied = (case.models, case.references, case.classifications, case.redactions, case.excerpts, case.statements)
    for rows in emptied:
        rows.all().delete()
    _empty_reasons(case)
    _blank(case, KEPT_OF_CASE)
    _empty_notes(Activity.objects.filter(case=case))
    forget_unless_known(alias.model for alias in aliases)


def _empty_reasons(case: Case) -> None:
    """What moderators wrote about it, and what a publisher was shown; that it was decided, and when, stays."""
    case.releases.update(notice="", ended_because="")
    case.reply_links.update(shown={})
    Embargo.objects.filter(case=case).update(reason="")
    EmbargoChange.objects.filter(embargo__case=case).update(reason="")


def _traces(report: Report) -> int:
    """What finds the report again, and what the console said of it."""
    found, _ = Fingerprint.objects.filter(report=report).delete()
    ConsoleMessage.objects.filter(report=report).delete()
    return found


def _text(report: Report) -> int:
    _blank(report, KEPT_OF_REPORT)
    return 1


def _named_models(report: Report) -> int:
    """The names, and what the catalogue knows of models that only this report named."""
    models_named = {named.alias.model for named in report.named_models.select_related("alias__model") if named.alias}
    gone, _ = report.named_models.all().delete()
    forget_unless_known(models_named)
    return gone


def _notes(report: Report) -> int:
    return _empty_notes(report.activities.all())


# In this order: cases before the names they share, and notes last but one, as those before may write some.
ERASERS: dict[str, Callable[[Report], int]] = {
    "contact": _contact,
    "credit": _credit,
    "mail address": _mail,
    "messages": _messages,
    "evidence": _evidence,
    "cases": _cases,
    "named models": _named_models,
    "traces": _traces,
    "notes": _notes,
    "text": _text,
}


def _empty_notes(activities: models.QuerySet[Activity]) -> int:
    return activities.exclude(note="").update(note="", note_salt="")


def _blank(row: Report | Case, kept: frozenset[str]) -> None:
    changes: dict[str, Any] = {
        field.attname: None if field.null else field.get_default()
        for field in row._meta.concrete_fields  # noqa: SLF001 - Django's documented API, in spite of its name
        if field.name not in kept
    }
    type(row)._default_manager.filter(pk=row.pk).update(**changes)  # noqa: SLF001 - as above
    row.refresh_from_db()
