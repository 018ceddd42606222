"""What moderators decided on personal data in a case's wording. Life: `reports.redacting`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from reports.models.case import Case
from reports.suggestions import Category


class LeaveReason(models.TextChoices):
    """Why something that looks like personal data stays readable."""

    NOT_PERSONAL = "not_personal", "Not personal data"
    EXAMPLE = "example", "Invented, or an example"
    ORGANISATION = "organisation", "An organisation's public address"
    PUBLIC_ROLE = "public_role", "A public role, named by the references"


class Redaction(models.Model):
    """One passage of a case's wording: taken out, or left with a reason. The text is sealed either way."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="redactions")
    number = models.PositiveIntegerField(help_text="In its case; the mark in the wording carries it.")
    category = models.CharField(max_length=20, choices=[(code.value, code.value) for code in Category])
    sealed = models.BinaryField()
    left_because = models.CharField(max_length=20, blank=True, choices=LeaveReason, help_text="Empty: it is taken out.")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="redaction_number"),
            models.CheckConstraint(
                condition=Q(category__in=[code.value for code in Category]), name="redaction_category"
            ),
            models.CheckConstraint(
                condition=Q(left_because__in=["", *LeaveReason.values]), name="redaction_left_because"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.number}"
