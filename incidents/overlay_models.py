"""What this node itself says of records of others, beside their words and never among them."""

from django.db import models
from django.db.models import Q


class Overlay(models.Model):
    """A note, a link to a record of ours on the same event, whether the record is hidden here: all of it public."""

    incident = models.OneToOneField(
        "incidents.Incident", on_delete=models.PROTECT, primary_key=True, related_name="overlay"
    )
    note = models.TextField(blank=True, max_length=2000, help_text="This node's own word on the record, in public.")
    same_event = models.ForeignKey(
        "incidents.Incident", on_delete=models.PROTECT, null=True, blank=True, related_name="same_event_elsewhere"
    )
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_because = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hidden_at__isnull=True) ^ ~Q(hidden_because=""), name="overlay_hidden_says_why"
            ),
            models.CheckConstraint(
                condition=Q(same_event__isnull=True) | ~Q(same_event=models.F("incident")),
                name="overlay_same_event_is_another",
            ),
        ]

    def __str__(self) -> str:
        return f"overlay of {self.incident_id}"
