"""The account a newcomer moderates with on a demonstration node."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Role, User

NAME = "moderator"
PASSWORD = "open-weights"  # noqa: S105 - printed on purpose, and refused outside a demonstration


class Command(BaseCommand):
    """`manage.py demo_moderator`: makes the demo moderator, once, and prints the login."""

    help = "Make the demonstration moderator and print the login. Refused unless FAULTLINE_DEMO is on."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """One line: user name and password."""
        if not settings.DEMO:
            raise CommandError("FAULTLINE_DEMO is off: a real node makes its accounts with createsuperuser")
        user, created = User.objects.get_or_create(
            username=NAME,
            defaults={"role": Role.SENIOR_MODERATOR, "first_name": "Demo", "last_name": "Moderator"},
        )
        if created:
            user.set_password(PASSWORD)
            user.save(update_fields=["password"])
        changed = "" if user.check_password(PASSWORD) else " (changed since)"
        self.stdout.write(f"{NAME} / {PASSWORD}{changed}")
