"""What stands beside a case's form: its reports, how it will read in public, and what may be done."""

from typing import Any

from accounts.models import User
from incidents.record import MEANINGS, Confidence, EvidenceGrade, Severity
from lib.text import clean_line, clean_text, markdown_html
from reports import redacting
from reports.admin import beside, redaction_desk
from reports.admin.case_forms import last_change
from reports.admin.choices import category_title, terms
from reports.admin.report_page import timeline
from reports.embargo import visible_reports
from reports.excerpt_wording import described
from reports.models import LIVE, Case, Report
from reports.redaction import for_readers
from reports.reproductions import clusters_of
from reports.track_record import TrackRecord, track_record
from reports.workflow import CASE_MOVES, not_ready

# What changes a case so that its public record may have to be corrected.
_CHANGES = {
    *("edit", "group", "merge", "unmerge", "split", "take out", "undo"),
    *("redact", "lift redaction", "count reproductions", "release excerpt", "take back excerpt", "classify"),
}
MOST_READ = 20


def context(case: Case, by: User) -> dict[str, Any]:
    """Everything beside the form, as the case is saved."""
    saved = Case.objects.select_related("incident").get(pk=case.pk)
    activities = timeline(saved.activities.all())
    reports = list(visible_reports(saved.reports.all(), by).order_by("submitted_at", "pk"))
    return {
        "case": saved,
        "seen": last_change(saved),
        "problems": not_ready(saved),
        "unpublished_edits": saved.state in LIVE and saved.incident is not None and _edited_since(activities),
        "publications": list(saved.incident.publications.defer("document")) if saved.incident else [],
        "grouped_reports": reports,
        "first_reported": reports[0].submitted_at if reports else None,
        "read_reports": [(report, *redacting.readable(report)) for report in reports[:MOST_READ]],
        "more_reports": max(0, len(reports) - MOST_READ),
        "clusters": clusters_of(saved, by),
        "beside": _beside(saved, reports, by),
        "likely": beside.duplicates_of_case(saved, reports, by),
        "track_records": _track_records(reports, by),
        "terms": terms(),
        "excerpts": list(saved.excerpts.select_related("evidence", "released_by")),
        **redaction_desk.context(saved, by),
        "preview": preview(saved),
        "timeline": activities,
    }


def _beside(case: Case, reports: list[Report], by: User) -> list[beside.Beside]:
    """Each model on a hub once, however many of its names or revisions the case has."""
    rows = case.models.filter(alias__isnull=False).select_related("alias__model").order_by("pk")
    first = reports[0].submitted_at if reports else None
    return beside.models_beside([row.alias.model for row in rows if row.alias], first, by)


def _track_records(reports: list[Report], by: User) -> list[TrackRecord]:
    """Each source once."""
    found = {(report.source if report.source_id else ""): report for report in reports}
    return [track_record(report, by) for report in found.values()]


def _edited_since(activities: list[Any]) -> bool:
    """Whether anything changed after the last publication."""
    verbs = [activity.verb for activity in activities]
    public = max((at for at, verb in enumerate(verbs) if verb in CASE_MOVES), default=-1)
    return any(verb in _CHANGES for verb in verbs[public + 1 :])


def preview(case: Case) -> dict[str, Any]:
    """The wording as the public page will read, cleaned as publishing cleans it."""
    return {
        "title": for_readers(clean_line(case.title)),
        "summary": for_readers(clean_text(case.summary)),
        "description": markdown_html(for_readers(clean_text(described(case.description, case.excerpts.all())))),
        "category": category_title(case.category),
        "assessment": [
            ("Severity", case.severity, MEANINGS[Severity][case.severity]),
            ("Evidence", case.evidence_grade, MEANINGS[EvidenceGrade][case.evidence_grade]),
            ("Confidence", case.confidence, MEANINGS[Confidence][case.confidence]),
        ],
        "models": list(case.models.select_related("alias__model").order_by("pk")),
        "references": list(case.references.order_by("pk")),
    }
