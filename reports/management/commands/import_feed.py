"""Databases that are imported on a schedule."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug

from reports import feeds
from reports.importer import importers
from reports.models import ImportFeed, ImportRun

LONGEST_NAME = 20


class Command(BaseCommand):
    """`manage.py import_feed add NAME SOURCE URL`, `list`, `remove NAME`."""

    help = "Say which databases workers fetch and import again and again, and see how that goes."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and with which feed."""
        parts = parser.add_subparsers(dest="what", required=True)
        add = parts.add_parser("add", help="fetch it from now on; an older feed by that name is changed")
        add.add_argument("name", help="what its records are known by here")
        add.add_argument("source", choices=sorted(importers()))
        add.add_argument("url", help="of a file or an archive")
        add.add_argument("--every", type=int, default=24, metavar="HOURS")
        remove = parts.add_parser("remove", help="fetch it no longer; what it brought stays")
        remove.add_argument("name")
        parts.add_parser("list", help="all of them, and their last run")

    def handle(self, *_args: Any, what: str, **options: Any) -> None:
        """One line for each feed."""
        acts: dict[str, Callable[..., None]] = {"add": self._add, "remove": self._remove, "list": self._list}
        acts[what](**options)

    def _add(self, name: str, source: str, url: str, every: int, **_options: Any) -> None:
        try:
            validate_slug(name)
            address = urlsplit(url)
        except ValueError as error:
            raise CommandError(f"{name} {url}: not a name of letters and digits, or not an address") from error
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise CommandError(f"{url}: not the address of a file on the web")
        if every < 1 or len(name) > LONGEST_NAME:
            raise CommandError(f"every hour at most, and under a name of {LONGEST_NAME} characters at most")
        feeds.add(name=name, importer=source, url=url, every_hours=every)
        self.stdout.write(f"{name}: fetched every {every} h, the first time at once")

    def _remove(self, name: str, **_options: Any) -> None:
        gone, _ = ImportFeed.objects.filter(name=name).delete()
        if not gone:
            raise CommandError(f"{name}: there is no such feed")
        self.stdout.write(f"{name}: fetched no longer")

    def _list(self, **_options: Any) -> None:
        for feed in ImportFeed.objects.order_by("name"):
            last = ImportRun.objects.filter(feed=feed.name).first()
            said = f"{last.state} {last.started_at:%Y-%m-%d %H:%M} {last.counts}" if last else "never run"
            trouble = f", {feed.last_error}" if feed.last_error else ""
            parked = ", parked" if feed.is_parked else ""
            self.stdout.write(
                f"{feed.name} ({feed.importer}): {said}; due {feed.due_at:%Y-%m-%d %H:%M}{parked}{trouble}"
            )
