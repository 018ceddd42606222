"""Checks what this node keeps and shows of others against what they signed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from federation import auditing
from federation.models import Peer


class Command(BaseCommand):
    """`manage.py audit_peers`: every leaf, root, object, outcome and row that readers find, derived again."""

    help = "Derive what is kept and shown of other nodes again, and say what does not hold."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Prints one line for each problem. Raises CommandError if there is any."""
        found = 0
        for problem in auditing.problems():
            found += 1
            self.stdout.write(problem)
        if found:
            raise CommandError(f"{found} of it does not hold")
        for peer in Peer.objects.all():
            self.stdout.write(f"{peer.domain}: {peer.size} entries kept, {peer.applied} took effect, all of it holds")
