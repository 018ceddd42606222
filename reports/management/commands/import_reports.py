"""Reads a foreign database's file into the queue of reports."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from reports import workflow
from reports.actors import Software
from reports.importer import Imported, Importer, Refused, importers
from reports.models import Report


class Command(BaseCommand):
    """`manage.py import_reports SOURCE FILE`: new records become reports; the rest is counted, and named on request."""

    help = "Import another database's records as reports. Running it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Source, file, and whether to name every refusal."""
        parser.add_argument("source", choices=sorted(importers()))
        parser.add_argument("file", type=Path)
        parser.add_argument("--refusals", action="store_true", help="name every record that was refused, and why")

    def handle(self, *_args: Any, source: str, file: Path, refusals: bool, **_options: Any) -> None:
        """Counts by result. Exit code 1, and nothing stored, where the file cannot be read."""
        importer: Importer = importers()[source]
        try:
            with file.open(encoding="utf-8", errors="replace") as lines, transaction.atomic():
                counts = self._take(importer, importer.read(lines), name_refusals=refusals)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        for result, count in sorted(counts.items()):
            self.stdout.write(f"{count:6}  {result}")

    def _take(self, importer: Importer, results: Any, *, name_refusals: bool) -> Counter[str]:
        known = dict(Report.objects.filter(source=importer.slug).values_list("source_id", "content_digest"))
        counts: Counter[str] = Counter()
        for result in results:
            if isinstance(result, Refused):
                counts[f"refused: {result.reason}"] += 1
                if name_refusals:
                    self.stderr.write(f"{result.source_id}: {result.reason}: {result.detail}")
            else:
                counts[_take_one(importer, result, known)] += 1
        return counts


def _take_one(importer: Importer, imported: Imported, known: dict[str, str]) -> str:
    content = workflow.content_digest(imported.submission)
    if imported.source_id in known:
        return "unchanged" if known[imported.source_id] == content else "changed upstream since; kept as first imported"
    known[imported.source_id] = content
    by = Software(f"import of {importer.title}")
    workflow.submit(submission=imported.submission, source=importer.slug, source_id=imported.source_id, by=by)
    return "imported"
