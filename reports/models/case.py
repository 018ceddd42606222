"""The moderators' working files. Life: `reports.workflow`."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalogue.models import Alias
from incidents.models import Incident, choices_of
from incidents.record import AffectedStatus, Confidence, EvidenceGrade, Kind, Severity
from reports.models.report import Report


class CaseState(models.TextChoices):
    """Where a case stands."""

    OPEN = "open", "Open"
    PUBLISHED = "published", "Published"
    DISPUTED = "disputed", "Disputed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    MERGED = "merged", "Merged"
    CLOSED = "closed", "Closed"
    ERASED = "erased", "Erased"


# Where a case can still change and take in reports.
LIVE = (CaseState.OPEN, CaseState.PUBLISHED, CaseState.DISPUTED)


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
    names_person = models.BooleanField(
        default=False, verbose_name="names a natural person", help_text="Not public. Publishing it takes two people."
    )
    occurred = models.CharField(max_length=10, blank=True, help_text="YYYY, YYYY-MM or YYYY-MM-DD.")
    other_ids = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Ids of the same event elsewhere, comma-separated.",
    )

    reproductions = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Independent ones, as a moderator counted them."
    )

    class Meta:
        ordering = ["-opened_at"]
        permissions = [("classify", "Can classify cases in taxonomies")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="case_state"),
            models.CheckConstraint(
                condition=Q(state=CaseState.MERGED)
                | (Q(state__in=(CaseState.OPEN, CaseState.CLOSED)) ^ Q(incident__isnull=False)),
                name="case_published_has_incident",
            ),
        ]

    def __str__(self) -> str:
        return f"Case {self.pk}" + (f": {self.title}" if self.title else "")


def _revisions(help_text: str) -> ArrayField:
    return ArrayField(models.CharField(max_length=200), default=list, blank=True, help_text=help_text)


class CaseModel(models.Model):
    """A model the case is about: on a hub (`alias`) or by name only (`name`)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="models")
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=300, blank=True, help_text="Only where it is on no hub.")
    revision = models.CharField(max_length=200, blank=True, help_text="The commit, where it is known.")
    file = models.CharField(max_length=1000, blank=True)
    status = models.CharField(max_length=30, choices=choices_of(AffectedStatus), default=AffectedStatus.AFFECTED)
    note = models.CharField(max_length=1000, blank=True)
    fixed_in = _revisions("Revisions in which it is fixed, comma-separated.")
    not_affected_in = _revisions("Revisions that do not have the problem, comma-separated.")

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
