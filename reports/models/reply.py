"""The right of reply: links for publishers, and what they say. Life: `reports.reply` and `reports.statements`."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reports.models.case import Case


class ReplyLink(models.Model):
    """A link by which a publisher answers once. The link is stored nowhere, and of the address only its domain."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reply_links")
    key = models.CharField(max_length=64, unique=True, editable=False)
    publisher = models.CharField(max_length=200, help_text="Whose statement it will be, as the public reads it.")
    mailed_to = models.CharField(max_length=253, blank=True, help_text="The domain of the address, if it was mailed.")
    shown = models.JSONField(help_text="What the publisher reads of a case that is not public: as it was when sent.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="reply_link_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.publisher}, case {self.case_id}"


class StatementState(models.TextChoices):
    """Where a publisher's statement stands."""

    RECEIVED = "received", "Received"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"


class Statement(models.Model):
    """What a publisher said through a link. Its words never change; a moderator lets it into the record or does not."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="statements")
    link = models.OneToOneField(ReplyLink, on_delete=models.PROTECT, related_name="statement")
    text = models.TextField(max_length=10_000, blank=True)
    statuses = models.JSONField(default=list, help_text="`incidents.record.RevisionStatus` each.")
    disputes = models.BooleanField(default=False)
    received_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=20, choices=StatementState, default=StatementState.RECEIVED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=1000, blank=True, help_text="Why it was declined.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=StatementState.values), name="statement_state"),
            models.CheckConstraint(
                condition=Q(state=StatementState.RECEIVED) ^ Q(decided_by__isnull=False), name="statement_decided"
            ),
            models.CheckConstraint(
                condition=~Q(state=StatementState.DECLINED) | ~Q(note=""), name="statement_declined_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"Statement {self.pk} on case {self.case_id}"
