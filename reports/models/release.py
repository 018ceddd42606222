"""What is about to become public. Life: `reports.release`."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from incidents.models import Publication
from lib.due import DueRow
from reports.models.case import Case


class ReleaseVerb(models.TextChoices):
    """What a release does to the public record."""

    PUBLISH = "publish", "Publish"
    CORRECT = "correct", "Correct"
    DISPUTE = "dispute", "Mark as disputed"
    WITHDRAW = "withdraw", "Withdraw"
    ERASE = "erase", "Erase"
    ADD_STATEMENTS = "add_statements", "Add the publisher's statement"
    MERGE = "merge", "Merge into another record"


class ReleaseState(models.TextChoices):
    """Where a release stands."""

    AWAITING = "awaiting", "Awaits a second person"
    SCHEDULED = "scheduled", "Scheduled"
    RELEASED = "released", "Released"
    UNDONE = "undone", "Undone"
    CANCELLED = "cancelled", "Cancelled"


OPEN_RELEASE = (ReleaseState.AWAITING, ReleaseState.SCHEDULED)


class Release(DueRow):
    """One press of a button that makes something public: who approved which wording, and when it takes effect."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="releases")
    verb = models.CharField(max_length=20, choices=ReleaseVerb)
    into = models.ForeignKey(
        Case, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="What it is merged into."
    )
    notice = models.CharField(max_length=2000, blank=True)
    state = models.CharField(max_length=20, choices=ReleaseState)
    approved_digest = models.CharField(max_length=64, help_text="SHA-256 of what was approved: `reports.approval`.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    second_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=1000, blank=True)
    publication = models.OneToOneField(Publication, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verb=ReleaseVerb.MERGE) ^ Q(into=None), name="release_merges_into_something"
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(state__in=OPEN_RELEASE), name="release_one_open"),
            models.CheckConstraint(condition=Q(state__in=ReleaseState.values), name="release_state"),
            models.CheckConstraint(
                condition=Q(state=ReleaseState.RELEASED) ^ Q(publication=None), name="release_has_publication"
            ),
            models.CheckConstraint(condition=Q(second=None) | ~Q(second=F("asked_by")), name="release_two_people"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_RELEASE) ^ Q(ended_at__isnull=False), name="release_ended"
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="release_due")]

    def __str__(self) -> str:
        return f"{self.get_verb_display()}, case {self.case_id}"

    @property
    def is_open(self) -> bool:
        """Whether it may still take effect."""
        return self.state in OPEN_RELEASE
