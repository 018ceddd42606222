"""Who did what."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from reports.models.case import Case
from reports.models.report import Report


class Activity(models.Model):
    """Who did what to a report or a case. Append-only: the database refuses changes."""

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

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name}: {self.verb}"
