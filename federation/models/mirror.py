"""Other nodes' logs as they were received: leaves, the tree's hashes, signed objects; and what became of them."""

from django.db import models
from django.db.models import Q

from federation.models.peer import Peer
from incidents.leaves import LeafOp
from incidents.models import Publication


class Mirror(models.Model):
    """The last checkpoint of another node's log of which every entry is kept here: what others may read of it."""

    peer = models.OneToOneField(Peer, on_delete=models.PROTECT, primary_key=True, related_name="mirror")
    origin = models.CharField(max_length=260, unique=True)
    origin_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the origin: its address here.")
    size = models.BigIntegerField(help_text="Entries that the note covers.")
    note = models.TextField()

    def __str__(self) -> str:
        return f"{self.origin}: {self.size} entries"


class PulledEntry(models.Model):
    """One leaf of another node's log. Entries have no gap and never change.

    `op`, `subject`, `revision` and `object` are empty where the bytes are no leaf: the tree covers them all the same.
    """

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="entries")
    index = models.BigIntegerField()
    leaf = models.BinaryField(help_text="RFC 8785 bytes, which the tree covers.")
    op = models.CharField(max_length=10, blank=True, choices=[(op.value, op.value) for op in LeafOp])
    subject = models.CharField(max_length=1024, blank=True, help_text="The id whose revision this is.")
    revision = models.BigIntegerField(null=True, blank=True)
    object_digest = models.CharField(max_length=64, blank=True, help_text="The object that the leaf names.")
    pulled_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["peer", "index"]
        verbose_name_plural = "pulled entries"
        indexes = [
            models.Index(fields=["peer", "subject", "index"], name="pulled_entry_by_subject"),
            models.Index(fields=["object_digest"], name="pulled_entry_by_object"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["peer", "index"], name="pulled_entry_once"),
            models.CheckConstraint(condition=Q(index__gte=0), name="pulled_entry_index_from_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.peer} #{self.index}"


class PulledObject(models.Model):
    """The signed object of an entry, exactly as its origin signed it.

    `body` is NULL where it is gone, or did not come as the leaf names it; it may come later. With an erasure it goes.
    """

    entry = models.OneToOneField(PulledEntry, on_delete=models.PROTECT, primary_key=True, related_name="object")
    digest = models.CharField(max_length=64, help_text="SHA-256, as the leaf names it.")
    body = models.BinaryField(null=True)

    def __str__(self) -> str:
        return self.digest


class PulledHash(models.Model):
    """A hash that the tiles of another node's log hold, as `TreeHash` is of ours."""

    pk = models.CompositePrimaryKey("peer", "level", "index")
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "pulled hashes"

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Verdict(models.TextChoices):
    """What became of an entry here."""

    SHOWN = "shown"
    KEYS = "keys"  # an event of its keys
    WAITING = "waiting"  # for a moderator
    REJECTED = "rejected"  # by policy, or by a moderator
    PASSED = "passed"  # it is about a record that is not shown here, or replaced by a later entry that is
    REFUSED = "refused"  # a withdrawal that an operator does not follow
    ERASED = "erased"  # its object is gone, as a later entry says
    VOID = "void"  # by a key that was revoked there
    QUARANTINED = "quarantined"  # it does not hold


class Outcome(models.Model):
    """What became of one entry here, why, and the publication that it led to."""

    entry = models.OneToOneField(PulledEntry, on_delete=models.PROTECT, primary_key=True, related_name="outcome")
    verdict = models.CharField(max_length=12, choices=Verdict)
    reason = models.CharField(max_length=500, blank=True)
    follows = models.BooleanField(default=True, help_text="Whether its leaf may follow the one before of its id.")
    publication = models.OneToOneField(
        Publication, on_delete=models.PROTECT, null=True, blank=True, related_name="pulled"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["verdict", "entry"], name="outcome_by_verdict")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(verdict__in=["quarantined", "rejected", "refused", "void"]) | ~Q(reason=""),
                name="outcome_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry}: {self.verdict}"
