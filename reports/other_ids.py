"""Ids of an imported report's event in other databases, which its record goes by, too."""

from reports.models import Case, ImportedRecord, Report


def ids_of(report: Report) -> list[str]:
    """Its own id there and those it names; none for what people sent."""
    if not report.source_id:
        return []
    source_id = report.source_id.partition("@")[0]
    row = ImportedRecord.objects.filter(feed=report.source, source_id=source_id).first()
    return list(row.other_ids) if row else []


def add_to(case: Case, report: Report) -> list[str]:
    """Adds them to the case, which the caller has locked; those that are new there."""
    have = {one.lower() for one in case.other_ids}
    added = [one for one in ids_of(report) if one.lower() not in have]
    if added:
        case.other_ids = [*case.other_ids, *added]
        case.save(update_fields=["other_ids"])
    return added
