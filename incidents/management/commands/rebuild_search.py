"""Derives what finds the public records again."""

from typing import Any

from django.core.management.base import BaseCommand

from incidents import search_rows


class Command(BaseCommand):
    """`manage.py rebuild_search`: every search row and facet count again, while the node goes on."""

    help = "Derive the search rows and facet counts again from the log and the catalogue."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Says how many rows there are."""
        self.stdout.write(f"{search_rows.rebuild()} rows")
