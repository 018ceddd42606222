"""Checks that the public log is whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from incidents import log


class Command(BaseCommand):
    """`manage.py verify_log`: derives every digest and link again; exit code 1 where one does not hold."""

    help = "Derive the public log's digests and chain again from its rows."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Names every entry that does not hold."""
        found = list(log.problems())
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{len(found)} problems in the log")
        head = log.head()
        self.stdout.write(f"{head.number} entries, whole; chain {head.chain or '(empty)'}")
