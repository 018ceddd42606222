"""What is public: incidents as their current document, the log of publications, and what search needs of both.

Every column but the documents is a projection of them, rebuilt at each publication.
"""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from incidents.log_models import Checkpoint, LogEntry, LogObject, TreeHash
from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status

__all__ = [
    "Affected",
    "Checkpoint",
    "Incident",
    "LogEntry",
    "LogObject",
    "Operation",
    "OtherId",
    "Publication",
    "TreeHash",
    "choices_of",
]


def choices_of(values: type[StrEnum]) -> list[tuple[str, str]]:
    """A vocabulary of the record as Django choices."""
    return [(member.value, member.value.replace("_", " ")) for member in values]


class Operation(models.TextChoices):
    """What a publication did."""

    PUBLISH = "publish"
    CORRECT = "correct"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    MERGE = "merge"
    RESTORE = "restore"
    ERASE = "erase"


class PublicRecords(models.Manager["Incident"]):
    """What the public may read: not what was erased."""

    def get_queryset(self) -> models.QuerySet["Incident"]:
        """Without tombstones."""
        return super().get_queryset().filter(erased_at=None)


class Incident(models.Model):
    """One public record as it stands: what pages and API read.

    Of an erased one nothing but its id, its dates and its last version is left; only `everything` finds it.
    """

    public_id = models.CharField(max_length=16, unique=True)
    origin = models.CharField(max_length=253)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=choices_of(Status))
    kind = models.CharField(max_length=20, choices=choices_of(Kind))
    category = models.CharField(max_length=80)
    severity = models.CharField(max_length=20, choices=choices_of(Severity))
    evidence_grade = models.CharField(max_length=20, choices=choices_of(EvidenceGrade))
    confidence = models.CharField(max_length=20, choices=choices_of(Confidence))
    superseded_by = models.CharField(
        max_length=16, blank=True, default="", help_text="The public id of the record that stands in its place."
    )
    title = models.CharField(max_length=200)
    occurred = models.CharField(max_length=10, blank=True)
    published_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    document = models.BinaryField(help_text="RFC 8785 bytes of the current version.")
    digest = models.CharField(max_length=64)
    search = SearchVectorField(null=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = PublicRecords()
    everything = models.Manager["Incident"]()

    class Meta:
        ordering = ["-published_at", "-pk"]
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="incident_newest"),
            models.Index(fields=["category", "-published_at", "-id"], name="incident_by_category"),
            GinIndex(fields=["search"], name="incident_search"),
            models.Index(
                fields=["superseded_by"], condition=~models.Q(superseded_by=""), name="incident_superseded_by"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(superseded_by="") | models.Q(status=Status.WITHDRAWN),
                name="incident_superseded_is_withdrawn",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(status=Status.WITHDRAWN, title="", digest=""),
                name="incident_erased_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.title}"


class Publication(models.Model):
    """What one entry of the public log did to a record. Only erasure changes a row: then document and digest go."""

    number = models.BigIntegerField(primary_key=True, help_text="The entry's index in the log.")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="publications")
    operation = models.CharField(max_length=10, choices=Operation)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    document = models.BinaryField(help_text="RFC 8785 bytes of this version; empty once the record is erased.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the document.")
    object_digest = models.CharField(max_length=64, help_text="SHA-256 of the signed object that the entry names.")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "version"], name="publication_version"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="publication_number_from_one"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.operation}"


class Affected(models.Model):
    """A model named by a record in force, for search by model."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    hub = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=300)
    name_key = models.CharField(max_length=300, help_text="The name without letter case.")
    stable_id = models.CharField(max_length=100, blank=True)
    revision = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=30)
    match = models.CharField(max_length=20)
    file_paths = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    file_digests = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="SHA-256.")

    class Meta:
        verbose_name_plural = "affected"
        indexes = [
            GinIndex(fields=["file_digests"], name="affected_by_digest"),
            models.Index(fields=["hub", "name_key"], name="affected_by_name"),
            models.Index(fields=["hub", "stable_id"], name="affected_by_stable_id"),
        ]

    def __str__(self) -> str:
        return f"{self.hub}: {self.name}" if self.hub else self.name


class OtherId(models.Model):
    """An id of the same event in another database, for search."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="other_ids")
    key = models.CharField(max_length=100, db_index=True, help_text="Without letter case.")

    def __str__(self) -> str:
        return self.key
