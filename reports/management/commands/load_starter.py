"""Brings the starter collection in, through the verbs any report takes."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from pydantic import ValidationError

from incidents.guard import LogRefusesError
from incidents.publishing import NotPublishableError
from reports import workflow
from reports.actors import NotReadyError, Software
from reports.models import Case, CaseClassification, CaseModel, CaseReference, Report
from reports.starter import Entry, entries
from reports.submission import Submission

SOURCE = "starter"
LOADER = Software("starter collection")


class Command(BaseCommand):
    """`manage.py load_starter`: submits, accepts and publishes what is not there yet."""

    help = "Publish the starter collection. Entries that were loaded before are left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which entries."""
        parser.add_argument("--part", default="all", help="all, none, or a part such as 1/3.")

    def handle(self, *_args: Any, part: str, **_options: Any) -> None:
        """One line: how many entries came in, and how many were there. Raises CommandError."""
        known = set(Report.objects.filter(source=SOURCE).values_list("source_id", flat=True))
        new = [entry for entry in _part(part) if entry.key not in known]
        for entry in new:
            try:
                load(entry)
            except (ValidationError, NotPublishableError, NotReadyError, LogRefusesError) as error:
                raise CommandError(f"{entry.key}: {error}") from error
        self.stdout.write(f"starter collection: {len(new)} new, {len(known)} there already")


def _part(text: str) -> Sequence[Entry]:
    if text in {"all", "none"}:
        return entries() if text == "all" else ()
    found = re.fullmatch(r"([1-9])/([1-9])", text)
    if not found or int(found[1]) > int(found[2]):
        raise CommandError(f"{text!r} is no part of the starter collection: all, none, or one such as 1/3")
    return entries()[int(found[1]) - 1 :: int(found[2])]


@transaction.atomic
def load(entry: Entry) -> str:
    """Takes an entry through the verbs that any report takes; the id of its record. Raises as those do."""
    submission = Submission(
        models=tuple(named.model or named.name for named in entry.affected),
        title=entry.title,
        text=entry.summary,
        category=entry.category,
        kind=entry.kind,
        occurred=entry.occurred,
        links=tuple(source.url for source in entry.references),
    )
    report = workflow.submit(submission=submission, source=SOURCE, source_id=entry.key, by=LOADER).report
    case = workflow.accept(report=report, by=LOADER)
    _word(case, entry)
    workflow.edited(case=case, by=LOADER, fields=["wording", "classification"])
    return workflow.publish(case=case, by=LOADER).incident.public_id


def _word(case: Case, entry: Entry) -> None:
    for column in ("summary", "description", "severity", "evidence_grade", "confidence"):
        setattr(case, column, getattr(entry, column))
    case.other_ids = list(entry.aliases)
    case.save()
    for row, named in zip(case.models.order_by("pk"), entry.affected, strict=True):
        CaseModel.objects.filter(pk=row.pk).update(status=named.status, note=named.note)
    case.references.all().delete()
    CaseReference.objects.bulk_create(
        CaseReference(case=case, title=s.title, publisher=s.publisher, url=s.url, date=s.date or "")
        for s in entry.references
    )
    CaseClassification.objects.bulk_create(
        CaseClassification(case=case, taxonomy=c.taxonomy, term=c.term) for c in entry.classifications
    )
