"""`migrate`, which afterwards lets the role of public reads read what is public."""

from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection

from incidents import reader


class Command(Migrate):
    """Django's command, and the grants, which would otherwise be forgotten whenever a table is new."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrates, then grants. Raises CommandError where the role can be neither found nor made."""
        super().handle(*args, **options)
        if options["check_unapplied"] or options["plan"] or not settings.READER:
            return
        try:
            if "incidents_incident" in connection.introspection.table_names():
                reader.grant(**settings.READER)
        except reader.NoReaderError as error:
            raise CommandError(str(error)) from error
