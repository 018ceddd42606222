"""What reporters and moderators say to each other. Life: `reports.conversation`, `reports.appeals`."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reports.models.report import Report


class MessageKind(models.TextChoices):
    """What a message is for."""

    MESSAGE = "message", "Message"
    QUESTION = "question", "Question"
    REPLY = "reply", "Decision"
    EVIDENCE = "evidence", "Evidence"
    APPEAL = "appeal", "Appeal"


class Message(models.Model):
    """One message, sealed at rest. A moderator's becomes visible after the time in which it can be taken back."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="messages")
    at = models.DateTimeField(default=timezone.now)
    from_reporter = models.BooleanField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=20, choices=MessageKind, default=MessageKind.MESSAGE)
    sealed = models.BinaryField()
    visible_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True, help_text="By the other side.")
    once = models.CharField(max_length=64, blank=True, help_text="Of the form it was sent with: nothing is said twice.")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["report", "once"], condition=~Q(once=""), name="message_once"),
            models.CheckConstraint(condition=Q(from_reporter=False) | Q(author=None), name="message_author"),
            models.CheckConstraint(condition=Q(visible_at__gte=F("at")), name="message_visible_after"),
            models.CheckConstraint(condition=Q(kind__in=MessageKind.values), name="message_kind"),
            models.CheckConstraint(
                condition=~Q(kind__in=("evidence", "appeal")) | Q(from_reporter=True), name="message_of_reporter"
            ),
        ]
        indexes = [
            models.Index(fields=["report"], condition=Q(from_reporter=True, read_at=None), name="message_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on report {self.report_id}"


class AppealOutcome(models.TextChoices):
    """What became of an appeal."""

    UPHELD = "upheld", "The decision stands"
    OVERTURNED = "overturned", "The report is read again"


class Appeal(models.Model):
    """A reporter's one objection to a rejection; its words are a message. Decided by another moderator."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="appeal")
    at = models.DateTimeField(default=timezone.now)
    against = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who rejected the report.",
    )
    outcome = models.CharField(max_length=20, blank=True, choices=AppealOutcome)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome="") ^ Q(decided_at__isnull=False), name="appeal_decided"),
            models.CheckConstraint(
                condition=Q(outcome="") | Q(outcome__in=AppealOutcome.values), name="appeal_outcome"
            ),
            models.CheckConstraint(
                condition=Q(against=None) | Q(decided_by=None) | ~Q(decided_by=F("against")),
                name="appeal_by_another",
            ),
        ]
        indexes = [models.Index(fields=["at"], condition=Q(outcome=""), name="appeal_open")]

    def __str__(self) -> str:
        return f"appeal on report {self.report_id}"
