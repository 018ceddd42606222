"""What stands beside a case's form: its reports, how it will read in public, and what may be done."""

from typing import Any

from accounts.models import User
from incidents.record import MEANINGS, Confidence, EvidenceGrade, Severity
from lib.text import clean_line, clean_text, markdown_html
from reports import redacting
from reports.admin import beside, redaction_desk
from reports.admin.acting import open_moves
from reports.admin.case_forms import last_change
from reports.admin.choices import category_title, terms
from reports.admin.report_page import timeline
from reports.models import Case, Report
from reports.redaction import for_readers
from reports.reproductions import clusters_of
from reports.track_record import TrackRecord, track_record
from reports.workflow import CASE_MOVES, not_ready

# In the order of the page; the first needs no reason, for there is nothing public yet.
_BUTTONS = {
    "publish": ("Publish", ""),
    "correct": ("Correct", "Makes the saved wording public as a new version, and ends a dispute. Say what changed."),
    "dispute": ("Mark as disputed", "Stays public with this mark and these reasons."),
    "withdraw": ("Withdraw", "No longer stands, for good; stays readable with this reason, so that citations resolve."),
}


# Verbs that change the wording, or what else a publication would say.
_EDITS = {"edit", "group", "redact", "lift redaction", "count reproductions"}
MOST_READ = 20


def context(case: Case, by: User) -> dict[str, Any]:
    """Everything beside the form, as the case is saved."""
    saved = Case.objects.select_related("incident").get(pk=case.pk)
    moves = open_moves(CASE_MOVES, saved.state, by)
    activities = timeline(saved.activities.all())
    reports = list(saved.reports.order_by("submitted_at", "pk"))
    return {
        "case": saved,
        "seen": last_change(saved),
        "buttons": [(verb, title, hint) for verb, (title, hint) in _BUTTONS.items() if verb in moves],
        "problems": not_ready(saved),
        "unpublished_edits": saved.incident is not None and _edited_since(activities),
        "publications": list(saved.incident.publications.defer("document")) if saved.incident else [],
        "grouped_reports": reports,
        "first_reported": reports[0].submitted_at if reports else None,
        "read_reports": [(report, *redacting.readable(report)) for report in reports[:MOST_READ]],
        "more_reports": max(0, len(reports) - MOST_READ),
        "clusters": clusters_of(saved),
        "beside": _beside(saved, reports),
        "likely": beside.duplicates_of_case(saved, reports),
        "track_records": _track_records(reports),
        "terms": terms(),
        **redaction_desk.context(saved, by),
        "preview": preview(saved),
        "timeline": activities,
    }


def _beside(case: Case, reports: list[Report]) -> list[beside.Beside]:
    """Each model on a hub once, however many of its names or revisions the case has."""
    rows = case.models.filter(alias__isnull=False).select_related("alias__model").order_by("pk")
    first = reports[0].submitted_at if reports else None
    return beside.models_beside([row.alias.model for row in rows if row.alias], first)


def _track_records(reports: list[Report]) -> list[TrackRecord]:
    """Each source once."""
    found = {(report.source if report.source_id else ""): report for report in reports}
    return [track_record(report) for report in found.values()]


def _edited_since(activities: list[Any]) -> bool:
    """Whether anything changed after the last publication."""
    verbs = [activity.verb for activity in activities]
    public = max((at for at, verb in enumerate(verbs) if verb in CASE_MOVES), default=-1)
    return any(verb in _EDITS for verb in verbs[public + 1 :])


def preview(case: Case) -> dict[str, Any]:
    """The wording as the public page will read, cleaned as publishing cleans it."""
    return {
        "title": for_readers(clean_line(case.title)),
        "summary": for_readers(clean_text(case.summary)),
        "description": markdown_html(for_readers(clean_text(case.description))),
        "category": category_title(case.category),
        "assessment": [
            ("Severity", case.severity, MEANINGS[Severity][case.severity]),
            ("Evidence", case.evidence_grade, MEANINGS[EvidenceGrade][case.evidence_grade]),
            ("Confidence", case.confidence, MEANINGS[Confidence][case.confidence]),
        ],
        "models": list(case.models.select_related("alias__model").order_by("pk")),
        "references": list(case.references.order_by("pk")),
    }
