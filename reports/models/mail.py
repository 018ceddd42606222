"""Where a reporter wants to hear that there is news. Life: `reports.mail`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from lib.due import DueRow
from reports.models.report import Report


class MailAddress(models.Model):
    """A reporter's address: sealed, apart from the report, erased by one button."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="mail_address")
    sealed = models.BinaryField()
    language = models.CharField(max_length=35, default="en", help_text="Of the page on which it was left (BCP 47).")
    left_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When we last wrote that there is news; cleared when the reporter looks."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(language=""), name="mail_address_language")]


class MailDue(DueRow):
    """One mail to be sent, without its words: they are always the same in a language."""

    address = models.OneToOneField(MailAddress, on_delete=models.CASCADE, related_name="due")
    certain = models.BooleanField(default=False, help_text="Sent even if every message was taken back since.")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(parked_at=None), name="reports_mail_open")]

    def __str__(self) -> str:
        return f"mail {self.pk}"
