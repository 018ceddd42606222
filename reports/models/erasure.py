"""What was erased, when, why and by whom: the tombstone of what is no longer here."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reports.models.report import Report


class ErasureReason(models.TextChoices):
    """Why something private must go."""

    REPORTER = "reporter", "The reporter asked for it"
    PERSON = "person", "A person named in it asked for it"
    UNLAWFUL = "unlawful", "It must not be kept by law"


class Erasure(models.Model):
    """One person asks, another confirms; then it is done. Holds no word of what was erased. Life: `reports.erasure`."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="erasures")
    reason = models.CharField(max_length=20, choices=ErasureReason)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    erased = models.JSONField(default=dict, blank=True, help_text="How many rows of each kind.")

    class Meta:
        ordering = ["-asked_at", "-pk"]
        permissions = [("erase", "Can ask for an erasure and confirm somebody else's")]
        constraints = [
            models.CheckConstraint(condition=~Q(confirmed_by=F("asked_by")), name="erasure_two_people"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) ^ Q(confirmed_by__isnull=False), name="erasure_done_is_confirmed"
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(dropped_at__isnull=True), name="erasure_done_or_dropped"
            ),
            models.CheckConstraint(condition=Q(reason__in=ErasureReason.values), name="erasure_reason"),
            models.UniqueConstraint(
                fields=["report"], condition=Q(done_at=None, dropped_at=None), name="erasure_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Erasure of report {self.report_id}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.done_at is None and self.dropped_at is None
