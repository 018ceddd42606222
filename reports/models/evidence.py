"""Files that reporters sent. What is kept of them lies outside the database, sealed: `reports.evidence`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from lib.due import DueRow
from lib.sanitise.kinds import KINDS
from reports.models.report import Report

_SHA256 = r"^[0-9a-f]{64}$"


class Evidence(models.Model):
    """A file of a report, made anew on the way in. The original is gone; its SHA-256 is kept."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="evidence")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(help_text="Bytes of what is kept.")
    original_sha256 = models.CharField(max_length=64, help_text="Of the file as it was sent.")
    kept_sha256 = models.CharField(max_length=64, help_text="Of what is kept, unsealed.")
    stored_as = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the sealed file: where it lies.")
    note = models.CharField(max_length=300, blank=True, help_text="What was changed on the way in.")
    problem = models.CharField(max_length=300, blank=True, help_text="Why it can no longer be read.")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["report", "original_sha256"], name="evidence_once"),
            models.CheckConstraint(condition=Q(media_type__in=list(KINDS)), name="evidence_media_type"),
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_size"),
            models.CheckConstraint(
                condition=Q(original_sha256__regex=_SHA256, kept_sha256__regex=_SHA256, stored_as__regex=_SHA256),
                name="evidence_digests",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EvidenceSweep(DueRow):
    """The one standing job that clears away files no report holds."""

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="evidence_sweep_is_one")]

    def __str__(self) -> str:
        return "sweep of evidence"
