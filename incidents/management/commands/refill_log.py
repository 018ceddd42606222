"""Brings back what a restored database lacks of the log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from incidents import checkpoints, refilling
from incidents.guard import LogRefusesError
from incidents.log_copy import BadCopyError


class Command(BaseCommand):
    """`manage.py refill_log ADDRESS`, where ADDRESS/checkpoint answers; or `--no-copy` where nobody has a copy."""

    help = "Fetch the entries that the log lacks from a copy of it, and check each."

    def add_arguments(self, parser: CommandParser) -> None:
        """One of the two."""
        one = parser.add_mutually_exclusive_group(required=True)
        one.add_argument("address", nargs="?", help="The address of a copy, for example https://peer.example/log")
        one.add_argument("--no-copy", action="store_true", help="State that nobody saw more than this database holds.")

    def handle(self, *_args: Any, address: str | None, **_options: Any) -> None:
        """Does it, and signs what is due."""
        try:
            if address:
                added = refilling.refill(address)
                self.stdout.write(f"{added} entries added; the cases they came from are not in this database")
            else:
                self.stdout.write(f"the checkpoint of {refilling.accept_as_it_is()} entries counts as the last")
            checkpoints.sign_due()
        except (BadCopyError, LogRefusesError) as error:
            raise CommandError(str(error)) from error
