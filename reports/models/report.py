"""Reports as they came. Life: `reports.workflow`."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from catalogue.models import Alias
from incidents.models import choices_of
from incidents.record import Kind, Severity


class ReportState(models.TextChoices):
    """Where a report stands."""

    RECEIVED = "received", "Received"
    IN_REVIEW = "in_review", "In review"
    NEEDS_INFO = "needs_info", "Waiting for the reporter"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn by the reporter"


# What nobody has decided on yet.
UNDECIDED = frozenset({ReportState.RECEIVED, ReportState.IN_REVIEW, ReportState.NEEDS_INFO})


class RejectReason(models.TextChoices):
    """Why a report was not taken up; the words the reporter reads stand in `reports.replies`."""

    NOT_A_MODEL = "not_a_model", "Not about an open model"
    NOT_ENOUGH = "not_enough", "Not enough to check"
    NOT_AN_INCIDENT = "not_an_incident", "Not an incident or a hazard"
    DUPLICATE = "duplicate", "Already recorded"
    SPAM = "spam", "Spam"
    NOT_REPRODUCED = "not_reproduced", "Could not be reproduced"
    SOFTWARE = "software", "A flaw of software, not of a model"
    DEPLOYMENT = "deployment", "About a service, not about the model in it"
    PERSONAL = "personal", "About a person, not about a model"
    UNLAWFUL = "unlawful", "Holds what we may not keep"
    TEST = "test", "A test of the form"


class Report(models.Model):
    """What one person or tool sent. Its text never changes after submission."""

    state = models.CharField(max_length=20, choices=ReportState, default=ReportState.RECEIVED)
    submitted_at = models.DateTimeField(default=timezone.now)
    receipt_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - imports have none
    source = models.CharField(max_length=30, help_text="The door it came through.")
    source_id = models.CharField(max_length=200, blank=True, help_text="Its id in the database it was imported from.")
    content_digest = models.CharField(max_length=64, help_text="SHA-256 of the submission, contact left out.")
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    category = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=choices_of(Kind))
    occurred = models.CharField(max_length=10, blank=True)
    links = ArrayField(models.CharField(max_length=2000), default=list, blank=True)
    language = models.CharField(max_length=35, default="en", help_text="To answer its reporter in (BCP 47).")
    about_incident = models.CharField(max_length=16, blank=True, help_text="The record it is further evidence for.")
    claimed_severity = models.CharField(
        max_length=20, choices=choices_of(Severity), default=Severity.UNKNOWN, help_text="In the reporter's view."
    )
    embargo_wish = models.DateField(null=True, blank=True, help_text="Nothing should become public before this day.")
    # As `reports.structure` describes them, {} where nothing was said.
    details = models.JSONField(default=dict, blank=True)
    transcript = models.JSONField(default=dict, blank=True)
    reproduction = models.JSONField(default=dict, blank=True)
    impact = models.JSONField(default=dict, blank=True)
    disclosure = models.JSONField(default=dict, blank=True)
    consent = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="claimed"
    )
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="The owner's lease; once it is over, anybody may take the report."
    )
    reject_reason = models.CharField(max_length=30, blank=True, choices=RejectReason)
    suspected_spam = models.BooleanField(default=False, help_text="Sorts the queue, decides nothing.")
    spam_score = models.PositiveSmallIntegerField(default=0, help_text="0 to 100.")
    spam_reasons = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    text_hash = models.BigIntegerField(null=True, blank=True, help_text="SimHash of the text; finds repeated text.")

    class Meta:
        ordering = ["submitted_at", "pk"]
        permissions = [
            ("decide", "Can claim, accept and reject reports"),
            ("publish", "Can publish and correct incidents"),
            ("withdraw", "Can withdraw published incidents"),
            ("view_contact", "Can see how to reach a reporter"),
            ("view_embargoed", "Can see every case under embargo"),
            ("view_unredacted", "Can see reports as sent, and what was redacted"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], condition=~Q(source_id=""), name="report_source"),
            models.CheckConstraint(condition=Q(state__in=ReportState.values), name="report_state"),
            models.CheckConstraint(
                condition=Q(state=ReportState.REJECTED) ^ Q(reject_reason=""),
                name="report_rejected_with_reason",
            ),
            models.CheckConstraint(condition=Q(claimed_severity__in=list(Severity)), name="report_claimed_severity"),
            models.CheckConstraint(
                condition=~Q(state=ReportState.WITHDRAWN) | Q(receipt_key=None), name="report_withdrawn_has_no_receipt"
            ),
            models.CheckConstraint(condition=Q(spam_score__lte=100), name="report_spam_score"),
            models.CheckConstraint(condition=~Q(language=""), name="report_language"),
            models.CheckConstraint(
                condition=Q(owner=None) | Q(held_until__isnull=False), name="report_owner_holds_a_lease"
            ),
        ]
        indexes = [models.Index(fields=["state", "submitted_at"], name="report_queue")]

    def __str__(self) -> str:
        return f"Report {self.pk}"  # its title may hold personal data that nobody has decided on

    @property
    def holder(self) -> User | None:
        """Who holds the report now: its owner, while the lease lasts and the account is active."""
        held = self.held_until is not None and self.held_until > timezone.now()
        return self.owner if held and self.owner is not None and self.owner.is_active else None


class Contact(models.Model):
    """How to reach a reporter: sealed, apart from the report, erasable."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="contact")
    sealed = models.BinaryField()


class Credit(models.Model):
    """The name under which a reporter wishes to be thanked: sealed until a record names it, erasable."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="credit")
    sealed = models.BinaryField()


class NamedModel(models.Model):
    """A model as a reporter named it, and what we read it as."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="named_models")
    asked = models.CharField(max_length=500)
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    revision = models.CharField(max_length=200, blank=True)
    file = models.CharField(max_length=1000, blank=True)
    problem = models.CharField(max_length=300, blank=True, help_text="Why it names no model on a hub.")

    def __str__(self) -> str:
        return self.asked
