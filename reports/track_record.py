"""What became of earlier reports from the same source, as counts. Who an anonymous reporter is, nobody can tell."""

from dataclasses import dataclass

from django.db.models import Count

from accounts.models import User
from reports.embargo import visible_reports
from reports.models import Report, ReportState


@dataclass(frozen=True)
class TrackRecord:
    """Earlier reports of one source by what was decided; `known` is false where nothing connects reports."""

    known: bool
    source: str
    accepted: int = 0
    rejected: int = 0
    undecided: int = 0


def track_record(report: Report, by: User | None = None) -> TrackRecord:
    """Of whoever sent the report, as far as `by` may see: another database, or nobody we could know."""
    if not report.source_id:
        return TrackRecord(False, report.source)
    others = Report.objects.filter(source=report.source).exclude(source_id="").exclude(pk=report.pk)
    others = visible_reports(others, by) if by else others
    counts = dict(others.order_by().values_list("state").annotate(number=Count("pk")))
    return TrackRecord(
        True,
        report.source,
        accepted=counts.get(ReportState.ACCEPTED, 0),
        rejected=counts.get(ReportState.REJECTED, 0),
        undecided=counts.get(ReportState.RECEIVED, 0) + counts.get(ReportState.IN_REVIEW, 0),
    )
