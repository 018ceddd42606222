"""Checks that nobody changed who did what."""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reports import history


class Command(BaseCommand):
    """`manage.py verify_history [NUMBER:CHAIN]`: derives every digest and link again; exit code 1 where one fails."""

    help = "Derive the chain over all activities again. Keep what it prints elsewhere, and pass it next time."

    def add_arguments(self, parser: CommandParser) -> None:
        """A head noted earlier."""
        parser.add_argument("known", nargs="?", default="", metavar="NUMBER:CHAIN", help="What an earlier run printed.")

    def handle(self, *_args: Any, known: str, **_options: Any) -> None:
        """Names everything that does not hold, the first bad row first."""
        found = list(history.problems(_head(known)))
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{len(found)} problems in the history")
        head = history.head()
        self.stdout.write(f"{head.number} activities, whole; {head.number}:{head.chain}")


def _head(known: str) -> history.Head | None:
    if not known:
        return None
    match = re.fullmatch(r"(\d+):([0-9a-f]{64}|)", known)
    if match is None:
        raise CommandError("write what an earlier run printed: NUMBER:CHAIN")
    return history.Head(int(match[1]), match[2])
