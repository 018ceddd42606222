"""Erasing a hub's answers as they were received: they can hold what somebody has a right to have erased."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue import naming, references, snapshots
from catalogue.hub import UnreadableReferenceError


class Command(BaseCommand):
    """`manage.py erase_raw_answers MODEL`: exit code 1 where nothing is stored of the model."""

    help = "Erase the hub's answers about a model as received. Their digests, and what was read of them, stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """What names the model."""
        parser.add_argument("model", help="what a reporter would paste: a name, an address, a package URL")

    def handle(self, *_args: Any, model: str, **_options: Any) -> None:
        """Raises CommandError, in one line, for what names no model or is not known."""
        try:
            reference = references.read(model)
        except UnreadableReferenceError as error:
            raise CommandError(str(error)) from error
        alias = naming.find_alias(reference.hub, reference.name)
        if alias is None:
            raise CommandError(f"Nothing is stored of {reference.name}.")
        self.stdout.write(f"{snapshots.erase_raw(alias.model)} answers erased of {alias.model}")
