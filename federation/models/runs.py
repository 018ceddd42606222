"""What happened while other nodes were followed: runs that brought something or failed, and proof of contradictions."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from federation.models.peer import Peer


class RunState(models.TextChoices):
    """How a run ended. PARTIAL: something of it was put aside. HELD: an operator decides on its withdrawals."""

    SUCCESS = "success"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"


class Run(models.Model):
    """One reading of a log that brought entries, or failed. Asking and finding nothing new leaves no row.

    A run that is held covers the entries from `first` to before `end`; of its peer nothing takes effect until the
    `decision`.
    """

    class Decision(models.TextChoices):
        RELEASED = "released"
        REFUSED = "refused"
        UNDONE = "undone"

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState)
    via = models.CharField(max_length=500, blank=True, help_text="The address that it was read from.")
    first = models.BigIntegerField(help_text="The first entry that it brought.")
    end = models.BigIntegerField(help_text="The entry after the last one.")
    counts = models.JSONField(default=dict, help_text="Entries by what became of them.")
    withdrawals = models.PositiveIntegerField(default=0, help_text="Of records that are shown here.")
    error = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=Decision, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["peer", "-id"], name="run_latest")]
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("first")), name="run_ends_after_its_beginning"),
            models.CheckConstraint(condition=Q(state="held") | Q(decision=""), name="run_decided_was_held"),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(error=""), name="run_failure_says_why"),
            models.UniqueConstraint(
                fields=["peer"], condition=Q(state="held", decision=""), name="run_one_is_held_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.peer}: {self.state}"


class EvidenceKind(models.TextChoices):
    """How a node contradicted itself."""

    CHECKPOINTS = "checkpoints"  # two signed trees of which one does not continue the other
    REVISIONS = "revisions"  # two objects as the same revision of one record


class Evidence(models.Model):
    """What proves that a node contradicted itself, in its own signed words. Never changed."""

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=12, choices=EvidenceKind)
    digest = models.CharField(max_length=64, help_text="SHA-256 over both, so that the same is kept once.")
    first = models.TextField(help_text="What it signed before: a checkpoint, or a leaf.")
    second = models.TextField(help_text="What does not go with it.")
    proof = models.JSONField(default=dict, help_text="What shows that they do not go together.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "evidence"
        constraints = [models.UniqueConstraint(fields=["peer", "digest"], name="peer_evidence_once")]

    def __str__(self) -> str:
        return f"{self.peer}: {self.get_kind_display()}"
