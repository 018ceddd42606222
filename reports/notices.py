"""What a reporter reads about a report: the state in plain words, in the language that is active."""

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reports.models import Appeal, CaseState, RejectReason, Report, ReportState
from reports.receipts import report_for


@dataclass(frozen=True)
class StatusNotice:
    """A report's state for whoever holds its receipt; `incidents` are public ids."""

    state: str
    text: str
    submitted: str
    incidents: tuple[str, ...] = ()


_TEXTS = {
    ReportState.RECEIVED: _("We have your report. A moderator has not read it yet."),
    ReportState.IN_REVIEW: _("A moderator is reading your report."),
    ReportState.NEEDS_INFO: _("A moderator has a question for you. Please read it below and answer it."),
    ReportState.ACCEPTED: _("Your report was accepted. It is being prepared for publication."),
    ReportState.REJECTED: _("Your report was read and not taken up."),
    ReportState.WITHDRAWN: _("You withdrew your report."),
}
_PUBLISHED = _("Your report was accepted, and what it is about is public.")
_WITHDRAWN = _("Your report was accepted; what was published about it has been withdrawn. The record says why.")
_ERASED = _("Your report was accepted; what was published about it has been erased.")
_APPEALED = _("You appealed. Somebody else than before will read the report again and answer you here.")


def status_for(typed: str) -> StatusNotice | None:
    """What the holder of a receipt may know; None for every code that leads nowhere, whatever the reason."""
    report = report_for(typed)
    return status_of(report) if report else None


def status_of(report: Report) -> StatusNotice:
    """A report's state in plain words."""
    cases = report.cases.exclude(state__in=(CaseState.MERGED, CaseState.CLOSED))
    erased = cases.filter(state=CaseState.ERASED).exists()
    cases = cases.exclude(state=CaseState.ERASED)
    public_ids = tuple(cases.exclude(incident=None).order_by("pk").values_list("incident__public_id", flat=True))
    withdrawn = bool(public_ids) and not cases.exclude(state=CaseState.WITHDRAWN).exists()
    text = str(_WITHDRAWN if withdrawn else _PUBLISHED if public_ids else _TEXTS[ReportState(report.state)])
    if erased and not public_ids:
        text = str(_ERASED)
    if report.reject_reason:
        text = gettext("%(text)s The reason: %(reason)s.") % {"text": text, "reason": _reason(report)}
        if Appeal.objects.filter(report=report, outcome="").exists():
            text = f"{text} {_APPEALED}"
    return StatusNotice(report.state, text, report.submitted_at.date().isoformat(), public_ids)


def _reason(report: Report) -> str:
    return gettext(RejectReason(report.reject_reason).label).lower()
