"""Reports that are still being written. Life: `reports.drafts`."""

from django.db import models
from django.utils import timezone


class Draft(models.Model):
    """What one browser has entered so far; after it was sent, for a while, only the receipt."""

    key = models.CharField(max_length=64, unique=True, editable=False, help_text="HMAC of what the browser holds.")
    sealed = models.BinaryField(help_text="Takes what the browser holds to open.")
    started_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(db_index=True, help_text="When it is forgotten.")

    def __str__(self) -> str:
        return f"Draft {self.pk}"
