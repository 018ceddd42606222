"""Imports model files of the Model Openness Framework as attested evidence."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from catalogue import traits
from catalogue.attestations import take
from catalogue.models import Attestation, Model


class Command(BaseCommand):
    """`manage.py import_mof FOLDER`: every .yml file in it; running it again changes nothing."""

    help = "Import model files of the Model Openness Framework (the folder `models` of its collection)."

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *_args: Any, folder: Path, **_options: Any) -> None:
        """Counts by result; names what was refused. Exit code 1 where there is no such file."""
        files = sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])
        if not files:
            raise CommandError(f"{folder}: no .yml file in it")
        counts: Counter[str] = Counter()
        changed: list[str] = []
        with transaction.atomic():
            for file in files:
                result = take(file.name, file.read_text("utf-8", errors="replace").replace("\x00", ""))
                counts[result] += 1
                if result in {"new", "replaced"}:
                    changed.append(file.name)
                if result.startswith("refused"):
                    self.stderr.write(f"{file.name}: {result}")
            _note(changed)
        for result, count in sorted(counts.items()):
            self.stdout.write(f"{count:6}  {result}")


def _note(sources: list[str]) -> None:
    """Models that the catalogue knows already are told what is now attested of them."""
    for attestation in Attestation.objects.filter(source__in=sources):
        for model in Model.objects.filter(hub=attestation.hub, name_key=attestation.name.lower()):
            traits.note(model)
