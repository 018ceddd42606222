"""The accounts a newcomer moderates with on a demonstration node: two, because some things take two people."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Role, User

# Name -> first name; both are senior moderators.
NAMES = {"moderator": "Demo", "second": "Second"}
PASSWORD = "open-weights"  # noqa: S105 - printed on purpose, and refused outside a demonstration


class Command(BaseCommand):
    """`manage.py demo_moderator`: makes the demo moderators, once, and prints their logins."""

    help = "Make the demonstration's two moderators and print their logins. Refused unless FAULTLINE_DEMO is on."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """A line each: user name and password."""
        if not settings.DEMO:
            raise CommandError("FAULTLINE_DEMO is off: a real node makes its accounts with createsuperuser")
        for name, first_name in NAMES.items():
            self.stdout.write(_made(name, first_name))


def _made(name: str, first_name: str) -> str:
    user, created = User.objects.get_or_create(
        username=name,
        defaults={"role": Role.SENIOR_MODERATOR, "first_name": first_name, "last_name": "Moderator"},
    )
    if created:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    changed = "" if user.check_password(PASSWORD) else " (changed since)"
    return f"{name} / {PASSWORD}{changed}"
