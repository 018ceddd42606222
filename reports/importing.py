"""Runs of imports: every record of another database becomes a report, a proposal, or a refusal by name.

A record is known by its feed, its id there and the digest of what would be reported. New ones become reports. What
changed there, or went away, becomes another report, which proposes that moderators correct or withdraw: nothing of
ours changes by itself. Each record is a transaction of its own, so that a run that was killed is simply run again.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DataError, connection, transaction
from django.utils import timezone

from reports import matching, workflow
from reports.actors import Software, record_activity
from reports.import_files import SourceError, files_in
from reports.importer import Imported, Importer, Refused
from reports.models import Case, ImportedRecord, ImportRun, Report, ReportState, RunState
from reports.submission import Submission

# Of a run: more records than this that are gone at once (or that share of all) are a fault upstream until somebody
# says that they are not.
MOST_VANISHED, MOST_VANISHED_SHARE = 20, 0.02
MOST_BROKEN_KEPT = 100
_LOCK = 7_265_105
_MOST_TITLE = 200


class BusyError(RuntimeError):
    """Another process is importing this feed."""


@dataclass
class _Reading:
    """What a run knows and has seen."""

    run: ImportRun
    importer: Importer
    known: dict[str, ImportedRecord]
    seen: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[Refused] = field(default_factory=list)

    @property
    def by(self) -> Software:
        return Software(f"import of {self.importer.title}")


def run(*, feed: str, importer: Importer, path: Path, accept_vanished: bool = False) -> ImportRun:
    """Reads the source at `path` into the queue. Raises BusyError. How it ended stands in the run.

    With `accept_vanished` however many records may be gone.
    """
    with _alone(feed):
        now = timezone.now()
        ImportRun.objects.filter(feed=feed, state=RunState.RUNNING).update(state=RunState.INTERRUPTED, ended_at=now)
        row = ImportRun.objects.create(feed=feed)
        reading = _Reading(row, importer, {one.source_id: one for one in ImportedRecord.objects.filter(feed=feed)})
        try:
            for result in importer.read_files(files_in(path)):
                _take(reading, result)
            if not reading.seen:
                raise SourceError(f"{path} holds no record of {importer.title}")  # noqa: TRY301
            _look_for_vanished(reading, accept_vanished)
        except SourceError as error:
            row.note = str(error)[:500]
            row.state = RunState.PARTIAL if reading.seen else RunState.FAILED
        return _end(reading)


@contextmanager
def _alone(feed: str) -> Iterator[None]:
    """While this runs nobody else imports the feed. The lock goes with the connection, however the process ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, feed])
        if cursor.fetchone() != (True,):
            raise BusyError(f"{feed} is being imported by another process")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_LOCK, feed])


def _end(reading: _Reading) -> ImportRun:
    row = reading.run
    if row.state == RunState.RUNNING:
        row.state = RunState.PARTIAL if reading.broken or row.note else RunState.COMPLETE
    row.ended_at, row.counts = timezone.now(), dict(reading.counts)
    row.broken = [[one.source_id, one.reason, one.detail] for one in reading.broken[:MOST_BROKEN_KEPT]]
    row.save()
    return row


def _take(reading: _Reading, result: Imported | Refused) -> None:
    if result.source_id in reading.seen:
        result = Refused(result.source_id, "duplicate", "another record with that id was read before it", broken=True)
    reading.seen.add(result.source_id)
    if isinstance(result, Imported):
        try:
            with transaction.atomic():
                said = _import(reading, result)
        except (DataError, ValueError) as error:
            reason = str(error).splitlines()[0][:300]
            result = Refused(result.source_id, "unstorable", reason, broken=True)
        else:
            reading.counts[said] += 1
            return
    reading.counts[f"refused: {result.reason}"] += 1
    if result.broken:
        reading.broken.append(result)
    else:
        with transaction.atomic():
            _refuse(reading, result)


def _import(reading: _Reading, result: Imported) -> str:
    content = workflow.content_digest(result.submission)
    row = reading.known.get(result.source_id) or ImportedRecord(feed=reading.run.feed, source_id=result.source_id)
    other_ids = list(dict.fromkeys([result.source_id, *result.other_ids]))
    is_new, is_changed = not row.content_digest, row.content_digest != content
    if not is_changed and not row.refused and row.vanished_at is None and row.other_ids == other_ids:
        return "same"
    row.refused, row.refused_detail, row.vanished_at, row.other_ids = "", "", None, other_ids
    if is_new:
        row.report = _submit(reading, result.source_id, result.submission)
    elif is_changed:
        row.report = _propose(reading, row, result.submission, "Changed")
    row.content_digest = content
    row.save()
    reading.known[result.source_id] = row
    return "new" if is_new else "changed" if is_changed else "same"


def _refuse(reading: _Reading, result: Refused) -> None:
    row = reading.known.get(result.source_id) or ImportedRecord(feed=reading.run.feed, source_id=result.source_id)
    said = result.reason[:40], result.detail[:400]
    if (row.refused, row.refused_detail) == said:
        return
    if row.content_digest and not row.refused:
        _propose_withdrawal(reading, row, f"{reading.importer.title} still has it, but not as one for us: {said[0]}.")
    row.refused, row.refused_detail = said
    row.save()
    reading.known[result.source_id] = row


def _look_for_vanished(reading: _Reading, accept_vanished: bool) -> None:
    imported = [row for row in reading.known.values() if row.content_digest and row.vanished_at is None]
    gone = [row for row in imported if row.source_id not in reading.seen]
    is_much = len(gone) > max(MOST_VANISHED, MOST_VANISHED_SHARE * len(imported))
    nameless = any(one.source_id not in reading.known for one in reading.broken)
    if gone and (is_much or nameless) and not accept_vanished:
        why = "at once" if is_much else "while some that could not be read have no id"
        reading.counts["vanished, held"] = len(gone)
        reading.run.note = f"{len(gone)} of {len(imported)} records are gone {why}: held until somebody accepts it"
        return
    for row in gone:
        with transaction.atomic():
            _propose_withdrawal(reading, row, f"{reading.importer.title} no longer has it.")
            row.vanished_at = timezone.now()
            row.save(update_fields=["vanished_at"])
        reading.counts["vanished"] += 1


def _submit(reading: _Reading, source_id: str, submission: Submission) -> Report:
    report = workflow.submit(submission=submission, source=reading.run.feed, source_id=source_id, by=reading.by).report
    matching.remember_names(report=report, found_in=f"{reading.run.feed}: {source_id}")
    return report


def _propose(reading: _Reading, row: ImportedRecord, submission: Submission, what: str) -> Report:
    """Another report of the same record: what a moderator would correct or withdraw by it, they decide."""
    title = f"{what} in {reading.importer.title}: {submission.title}"[:_MOST_TITLE]
    changes = {"title": title, "about_incident": _incident_of(row)}
    submission = submission.model_copy(update=changes)
    report = _submit(reading, f"{row.source_id}@{reading.run.pk}", submission)
    former = f"report {row.report_id}" if row.report_id else "an erased report"
    record_activity(reading.by, "propose", report=report, note=f"{what}: {row.source_id}; {former} was made of it")
    return report


def _propose_withdrawal(reading: _Reading, row: ImportedRecord, why: str) -> None:
    """Only where something of ours may rest on it: a rejected or erased report has nothing to withdraw."""
    report = row.report
    if report is None or report.state in {ReportState.REJECTED, ReportState.WITHDRAWN}:
        return
    submission = Submission(
        models=tuple(report.named_models.order_by("pk").values_list("asked", flat=True)),
        title=row.source_id,
        text=f"{row.source_id}: {why} See whether what rests on it should be corrected or withdrawn.",
        category=report.category,
        kind=report.kind,
    )
    row.report = _propose(reading, row, submission, "Gone")
    row.save(update_fields=["report"])


def _incident_of(row: ImportedRecord) -> str | None:
    """The public record that an earlier report of it went into."""
    reports = Report.objects.filter(source=row.feed, source_id__startswith=row.source_id)
    made = [one.pk for one in reports if one.source_id.partition("@")[0] == row.source_id]
    case = Case.objects.filter(reports__in=made, incident__isnull=False).select_related("incident").first()
    return case.incident.public_id if case and case.incident else None
