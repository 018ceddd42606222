"""A case that stays silent until a day. Life: `reports.embargo`."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reports.models.case import Case


class Embargo(models.Model):
    """Until when nothing of a case may become public, why, and who may see the case before."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="embargo")
    until = models.DateTimeField()
    reason = models.CharField(max_length=1000)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)
    may_see = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("set_at")), name="embargo_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(reason=""), name="embargo_says_why"),
        ]

    def __str__(self) -> str:
        return f"Case {self.case_id} until {self.until:%Y-%m-%d %H:%M} UTC"

    @property
    def in_force(self) -> bool:
        """Whether it still holds."""
        return self.until > timezone.now()


class EmbargoChange(models.Model):
    """A new end of an embargo that one person asks for and another agrees to or refuses."""

    embargo = models.ForeignKey(Embargo, on_delete=models.PROTECT, related_name="changes")
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: it ends at once.")
    reason = models.CharField(max_length=1000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    agreed = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["embargo"], condition=Q(agreed=None), name="embargo_change_one_open"),
            models.CheckConstraint(
                condition=Q(agreed=None, decided_by=None, decided_at=None)
                | Q(agreed__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="embargo_change_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(agreed=None) | Q(agreed=False) | ~Q(decided_by=F("asked_by")),
                name="embargo_change_agreed_by_another",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="embargo_change_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.embargo}: {'at once' if self.until is None else self.until}"
