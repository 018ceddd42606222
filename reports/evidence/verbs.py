"""What is done with evidence: each verb atomic, each with its Activity."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext

from lib.confined import RefusedFileError
from lib.wake import wake
from reports import conversation, workflow
from reports.abuse import UNSUSPECTED, Suspicion
from reports.actors import REPORTER, Actor, WrongStateError, record_activity, require
from reports.conversation import RefusedMessageError
from reports.evidence import store
from reports.evidence.holding import Held, hold
from reports.models import Evidence, EvidenceSweep, Report
from reports.submission import Submission

MOST_FILES = 10
MOST_BYTES_OF_A_REPORT = 100_000_000


def keep(upload: UploadedFile, *, report: Report, by: Actor = REPORTER) -> Evidence:
    """Makes the file anew, stores it and gives it to the report. Raises RefusedFileError."""
    held = hold(upload)
    try:
        return attach(held, report=report, by=by)
    except RefusedFileError:
        store.remove(held.stored_as)
        raise


@transaction.atomic
def attach(held: Held, *, report: Report, by: Actor = REPORTER) -> Evidence:
    """Gives a stored file to a report. Raises RefusedFileError where the report has enough, or has it already."""
    Report.objects.select_for_update().get(pk=report.pk)
    has = Evidence.objects.filter(report=report).aggregate(files=Count("pk"), size=Sum("size"))
    if has["files"] >= MOST_FILES:
        raise RefusedFileError("A report can hold %(most)s files; this one has them.", most=MOST_FILES)
    if (has["size"] or 0) + held.size > MOST_BYTES_OF_A_REPORT:
        raise RefusedFileError("A report can hold %(most)s MB of files.", most=MOST_BYTES_OF_A_REPORT // 1_000_000)
    if Evidence.objects.filter(report=report, original_sha256=held.original_sha256).exists():
        raise RefusedFileError("%(name)s is attached already.", name=held.name)
    try:
        with transaction.atomic():
            evidence = Evidence.objects.create(report=report, **asdict(held))
    except IntegrityError as error:
        raise RefusedFileError(
            "%(name)s was sent with another report. Please choose it again.", name=held.name
        ) from error
    record_activity(by, "add evidence", report=report, note=_told(evidence))
    return evidence


@transaction.atomic
def submit_with_files(
    *,
    submission: Submission,
    source: str,
    files: Iterable[Held],
    by: Actor = REPORTER,
    suspicion: Suspicion = UNSUSPECTED,
) -> workflow.Submitted:
    """Stores a report with its files, or nothing of it. Raises RefusedFileError."""
    submitted = workflow.submit(submission=submission, source=source, by=by, suspicion=suspicion)
    for held in files:
        attach(held, report=submitted.report, by=by)
    return submitted


@transaction.atomic
def add_files(*, report: Report, files: Iterable[Held]) -> list[Evidence]:
    """A reporter's further files, all or none; the thread says that they came. Raises RefusedFileError."""
    files = list(files)
    try:
        conversation.add_evidence(report=report, text="\n".join([gettext("Files:"), *(held.name for held in files)]))
    except RefusedMessageError as error:
        raise RefusedFileError(error.sentence, **error.values) from error
    except WrongStateError as error:
        raise RefusedFileError(str(error)) from error
    return [attach(held, report=report) for held in files]


@transaction.atomic
def content_of(*, evidence: Evidence, by: Actor, verb: str = "view evidence") -> bytes:
    """What is kept of the file; that `by` looked is recorded. Raises NotAllowedError and store.LostFileError."""
    require(by, "reports.view_evidence")
    content = store.get(evidence.stored_as)
    record_activity(by, verb, report=evidence.report, note=_told(evidence))
    return content


@transaction.atomic
def forget(*, evidence: Evidence, by: Actor, reason: str = "") -> None:
    """Erases a file for good: the row now, the bytes once that has committed, or at the next sweep."""
    require(by, "reports.delete_evidence")
    record_activity(by, "forget evidence", report=evidence.report, note=f"{_told(evidence)}. {reason}".strip())
    transaction.on_commit(partial(store.remove, evidence.stored_as))
    evidence.delete()
    EvidenceSweep.objects.update_or_create(pk=1, defaults={"due_at": timezone.now()})
    wake("evidence forgotten")


def _told(evidence: Evidence) -> str:
    # Activity is never erased, so it must not hold a name that the sender chose.
    return f"file {evidence.pk}, {evidence.media_type}"
