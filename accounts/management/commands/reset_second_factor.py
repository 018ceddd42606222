"""For whoever lost every second factor and the recovery codes."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User


class Command(BaseCommand):
    """`manage.py reset_second_factor USERNAME`: the next login sets up a new one."""

    help = "Take an account's second factors away and end its sessions. Make sure who asks: call them back."

    def add_arguments(self, parser: CommandParser) -> None:
        """One account."""
        parser.add_argument("username")

    def handle(self, *_args: Any, username: str, **_options: Any) -> None:
        """Says how many were taken away; exit code 1 where there is no such account."""
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"there is no account {username}")
        taken, _ = Authenticator.objects.filter(user=user).delete()
        for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
            if session.get_decoded().get(SESSION_KEY) == str(user.pk):
                session.delete()
        self.stdout.write(f"{username}: {taken} factors taken away, sessions ended")
