"""Checks that the public log is whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from incidents import checkpoints, log


class Command(BaseCommand):
    """`manage.py verify_log`: derives every hash and signature again; exit code 1 where one does not hold."""

    help = "Derive the public log's hashes, signatures and checkpoints again from its rows."

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        """Names every entry that does not hold."""
        if len(connection.savepoint_ids) == 0:  # the log may go on growing: one state of it for all queries
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = 0
        for found, problem in enumerate(log.problems(), start=1):  # noqa: B007 - counted
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{found} problems in the log")
        standing = checkpoints.standing()
        self.stdout.write(f"{standing.entries} entries, whole; {standing.signed} of them signed in a checkpoint")
