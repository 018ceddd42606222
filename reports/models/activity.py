"""Who did what, and the chain that shows nobody changed it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reports.models.case import Case
from reports.models.report import Report


class Activity(models.Model):
    """Who did what to a report or a case. Append-only: the database refuses changes, but to erase a note.

    `digest` covers everything but the note, which it covers by `note_digest`; so an erased note breaks nothing.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=30)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=2000, blank=True)
    note_salt = models.CharField(max_length=32, blank=True, editable=False, help_text="Goes with the note.")
    note_digest = models.CharField(max_length=64, blank=True, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="What it covers: reports.history.")

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "activities"
        permissions = [
            ("view_metrics", "Can see how the queue does"),
            ("view_team", "Can see what each moderator did"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(digest=""), name="activity_has_digest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name}: {self.verb}"


class ActivityLink(models.Model):
    """An activity's place in the chain of all. The database writes it at commit, so numbers follow commit order."""

    number = models.BigIntegerField(primary_key=True)
    activity = models.OneToOneField(Activity, on_delete=models.PROTECT, related_name="link")
    chain = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"#{self.number}"
