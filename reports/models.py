"""Private rows: reports as they came, the moderators' cases, and who did what. Life: `reports.workflow`."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalogue.models import Alias
from incidents.models import Incident, choices_of
from incidents.record import AffectedStatus, Confidence, EvidenceGrade, Kind, Severity


class ReportState(models.TextChoices):
    """Where a report stands."""

    RECEIVED = "received", "Received"
    IN_REVIEW = "in_review", "In review"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class RejectReason(models.TextChoices):
    """Why a report was not taken up; the words the reporter reads stand in `reports.notices`."""

    NOT_A_MODEL = "not_a_model", "Not about an open model"
    NOT_ENOUGH = "not_enough", "Not enough to check"
    NOT_AN_INCIDENT = "not_an_incident", "Not an incident or a hazard"
    DUPLICATE = "duplicate", "Already recorded"
    SPAM = "spam", "Spam"


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
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="claimed"
    )
    reject_reason = models.CharField(max_length=30, blank=True, choices=RejectReason)

    class Meta:
        ordering = ["submitted_at", "pk"]
        permissions = [
            ("decide", "Can claim, accept and reject reports"),
            ("publish", "Can publish and correct incidents"),
            ("withdraw", "Can withdraw published incidents"),
            ("view_contact", "Can see how to reach a reporter"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], condition=~Q(source_id=""), name="report_source"),
            models.CheckConstraint(condition=Q(state__in=ReportState.values), name="report_state"),
            models.CheckConstraint(
                condition=Q(state=ReportState.REJECTED) ^ Q(reject_reason=""),
                name="report_rejected_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "submitted_at"], name="report_queue")]

    def __str__(self) -> str:
        return f"Report {self.pk}" + (f": {self.title}" if self.title else "")


class Contact(models.Model):
    """How to reach a reporter: sealed, apart from the report, erasable."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="contact")
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


class CaseState(models.TextChoices):
    """Where a case stands."""

    OPEN = "open", "Open"
    PUBLISHED = "published", "Published"
    DISPUTED = "disputed", "Disputed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Case(models.Model):
    """The moderators' working file on one event: its reports, and the wording that will be public."""

    state = models.CharField(max_length=20, choices=CaseState, default=CaseState.OPEN)
    opened_at = models.DateTimeField(default=timezone.now)
    reports = models.ManyToManyField(Report, related_name="cases")
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    title = models.CharField(max_length=200, blank=True)
    summary = models.TextField(max_length=1000, blank=True, help_text="Two or three plain sentences.")
    description = models.TextField(max_length=50_000, blank=True, help_text="Markdown.")
    kind = models.CharField(max_length=20, choices=choices_of(Kind), default=Kind.INCIDENT)
    category = models.CharField(max_length=80, blank=True)
    severity = models.CharField(max_length=20, choices=choices_of(Severity), default=Severity.UNKNOWN)
    evidence_grade = models.CharField(max_length=20, choices=choices_of(EvidenceGrade), default=EvidenceGrade.CLAIM)
    confidence = models.CharField(max_length=20, choices=choices_of(Confidence), default=Confidence.LOW)
    occurred = models.CharField(max_length=10, blank=True, help_text="YYYY, YYYY-MM or YYYY-MM-DD.")
    other_ids = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Ids of the same event elsewhere, comma-separated.",
    )

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="case_state"),
            models.CheckConstraint(
                condition=Q(state=CaseState.OPEN) ^ Q(incident__isnull=False),
                name="case_published_has_incident",
            ),
        ]

    def __str__(self) -> str:
        return f"Case {self.pk}" + (f": {self.title}" if self.title else "")


class CaseModel(models.Model):
    """A model the case is about: on a hub (`alias`) or by name only (`name`)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="models")
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=300, blank=True, help_text="Only where it is on no hub.")
    revision = models.CharField(max_length=200, blank=True, help_text="The commit, where it is known.")
    file = models.CharField(max_length=1000, blank=True)
    status = models.CharField(max_length=30, choices=choices_of(AffectedStatus), default=AffectedStatus.AFFECTED)
    note = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(alias__isnull=True) ^ Q(name=""), name="case_model_alias_or_name"),
        ]

    def __str__(self) -> str:
        return self.alias.name if self.alias else self.name


class CaseReference(models.Model):
    """Where a reader can check what the case says."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="references")
    title = models.CharField(max_length=500)
    publisher = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=2000, validators=[URLValidator(schemes=["http", "https"])])
    date = models.CharField(max_length=10, blank=True, help_text="YYYY, YYYY-MM or YYYY-MM-DD.")

    def __str__(self) -> str:
        return self.title


class CaseClassification(models.Model):
    """A term of a published taxonomy, beside our own category."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="classifications")
    taxonomy = models.CharField(max_length=80)
    term = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "taxonomy", "term"], name="case_classification_once")]

    def __str__(self) -> str:
        return f"{self.taxonomy} {self.term}"


class Activity(models.Model):
    """Who did what to a report or a case. Append-only: the database refuses changes."""

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=30)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True, related_name="activities")
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name}: {self.verb}"
