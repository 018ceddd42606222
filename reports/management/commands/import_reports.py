"""Reads another database's files into the queue of reports."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reports import importing
from reports.importer import importers
from reports.importing import BusyError
from reports.models import ImportedRecord, ImportRun, RunState

PARTIAL = 3


class Command(BaseCommand):
    """`manage.py import_reports SOURCE PATH`: new records become reports, changed and vanished ones proposals."""

    help = (
        "Import another database's records as reports: from a file, a folder or an archive. Running it again, also "
        f"after it was killed, repeats nothing. Exit code {PARTIAL}: some of it could not be read; 1: none of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Source, path, and whether to name every refusal."""
        parser.add_argument("source", choices=sorted(importers()))
        parser.add_argument("path", type=Path)
        parser.add_argument("--feed", default="", help="what these records are known by; the source's name by default")
        parser.add_argument("--refusals", action="store_true", help="name every record that was refused, and why")
        parser.add_argument("--accept-vanished", action="store_true", help="however many records are gone upstream")

    def handle(self, *_args: Any, source: str, path: Path, refusals: bool, **options: Any) -> None:
        """Counts by result."""
        feed = options["feed"] or source
        try:
            run = importing.run(
                feed=feed, importer=importers()[source], path=path, accept_vanished=options["accept_vanished"]
            )
        except BusyError as error:
            raise CommandError(str(error)) from error
        for result, count in sorted(run.counts.items()):
            self.stdout.write(f"{count:6}  {result}")
        if refusals:
            self._name_refusals(run)
        if run.state == RunState.FAILED:
            raise CommandError(run.note)
        if run.state == RunState.PARTIAL:
            said = run.note or f"{len(run.broken)} records could not be read, for example {run.broken[0][0]}"
            raise CommandError(f"PARTIAL: {said}", returncode=PARTIAL)

    def _name_refusals(self, run: ImportRun) -> None:
        for source_id, reason, detail in run.broken:
            self.stderr.write(f"{source_id}: {reason}: {detail}")
        for row in ImportedRecord.objects.filter(feed=run.feed).exclude(refused="").order_by("pk").iterator():
            self.stderr.write(f"{row.source_id}: {row.refused}: {row.refused_detail}")
