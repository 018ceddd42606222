"""What the queue keeps beside a report: who passed over it, what can still be undone, and what moderators are told."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reports.models.case import Case
from reports.models.report import Report


class Skip(models.Model):
    """A moderator passed over a report: "next" does not offer it to them again until then."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="skips")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "account"], name="skip_once")]


class Decision(models.Model):
    """A decision on a report, with what it takes to take it back for a short while."""

    batch = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="Decisions made by one press.")
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="decisions")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verb = models.CharField(max_length=30)
    at = models.DateTimeField(default=timezone.now)
    last_activity = models.BigIntegerField(help_text="The last activity when it was made: nothing may follow.")
    state_before = models.CharField(max_length=20)
    was_held = models.BooleanField(help_text="By the same moderator.")
    opened_case = models.BooleanField(default=False)
    models_added = models.JSONField(default=list, help_text="Primary keys of the rows the case gained.")
    ids_added = models.JSONField(default=list, help_text="Ids in other databases that the case gained.")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(opened_case=False) | Q(case__isnull=False), name="decision_opened_which_case"
            )
        ]
        indexes = [models.Index(fields=["by", "-at"], condition=Q(undone_at=None), name="decision_to_undo")]


class ConsoleMessage(models.Model):
    """A sentence for one moderator, shown on every page of the console until it is dismissed."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    report = models.ForeignKey(Report, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    text = models.CharField(max_length=500)
    at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["account"], condition=Q(dismissed_at=None), name="console_message_unread")]


class ConsolePreference(models.Model):
    """How one account likes the console; without a row, as the defaults say."""

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    shortcuts = models.BooleanField(default=True, help_text="Single keys press buttons (WCAG 2.1.4).")


MOST_IN_A_QUERY = 500


class SavedFilter(models.Model):
    """A view of the queue that a moderator keeps under a name."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=60)
    query = models.CharField(max_length=MOST_IN_A_QUERY, help_text="What stands after the ? of the queue's address.")

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["account", "title"], name="saved_filter_title")]
