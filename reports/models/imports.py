"""Other databases: where they are fetched from, what each run did, and what became of every record of theirs."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalogue.models import Alias
from lib.due import DueRow
from reports.models.report import Report


class ImportFeed(DueRow):
    """A database that is fetched again and again."""

    name = models.SlugField(max_length=20, unique=True, help_text="What its records are known by here.")
    importer = models.SlugField(max_length=30)
    url = models.CharField(max_length=2000)
    every_hours = models.PositiveIntegerField(default=24)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(every_hours__gte=1), name="import_feed_every_hour_at_most")]

    def __str__(self) -> str:
        return self.name


class RunState(models.TextChoices):
    """How a run ended."""

    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    PARTIAL = "partial", "Partial: some of it could not be read"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"


class ImportRun(models.Model):
    """One reading of a database: what was new, changed, the same, refused and gone."""

    feed = models.SlugField(max_length=20)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=RunState, default=RunState.RUNNING)
    counts = models.JSONField(default=dict, help_text="How many records had each result.")
    broken = models.JSONField(
        default=list, help_text="The first of those that could not be read: [id, reason, detail]."
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=RunState.RUNNING) ^ Q(ended_at__isnull=False), name="import_run_ends"
            ),
            models.UniqueConstraint(
                fields=["feed"], condition=Q(state=RunState.RUNNING), name="import_run_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"import of {self.feed} at {self.started_at:%Y-%m-%d %H:%M}"


class ImportedRecord(models.Model):
    """A record of another database, as it was last read."""

    feed = models.SlugField(max_length=20)
    source_id = models.CharField(max_length=150)
    other_ids = ArrayField(
        models.CharField(max_length=100), default=list, help_text="Of the same event, its own first."
    )
    content_digest = models.CharField(max_length=64, blank=True, help_text='"" for what was only ever refused.')
    report = models.ForeignKey(
        Report, on_delete=models.SET_NULL, null=True, related_name="imported", help_text="The newest one made of it."
    )
    refused = models.CharField(
        max_length=40, blank=True, help_text="Why it makes no report, the last time it was read."
    )
    refused_detail = models.CharField(max_length=400, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feed", "source_id"], name="imported_record_once")]

    def __str__(self) -> str:
        return self.source_id


class NameMatch(models.Model):
    """A model's name as other databases write it, and the model on a hub that a moderator says it is."""

    key = models.CharField(max_length=300, unique=True, help_text="The name without letter case.")
    name = models.CharField(max_length=300)
    found_in = models.CharField(max_length=200, help_text="The first record that used it.")
    alias = models.ForeignKey(Alias, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "name matches"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(alias__isnull=True) | Q(decided_at__isnull=False), name="name_match_is_decided"
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True) ^ Q(decided_by__isnull=False), name="name_match_has_a_decider"
            ),
        ]

    def __str__(self) -> str:
        return self.name
