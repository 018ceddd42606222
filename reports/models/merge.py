"""That a case was found to be about the same event as another."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reports.models.case import Case


class Merge(models.Model):
    """One case merged into another, with what it takes to part them again. Reports stay what they are."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="merges")
    into = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="merged_cases")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    state_before = models.CharField(max_length=20)
    added = models.JSONField(default=dict, help_text="Primary keys of what `into` gained: reports, models, references.")
    last_activity = models.BigIntegerField(
        default=0, help_text="The last activity of either case when it was made: to undo it, nothing may follow."
    )
    parted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(parted_at=None), name="merge_once_at_a_time"),
            models.CheckConstraint(condition=~Q(case=F("into")), name="merge_of_two_cases"),
        ]
