"""The rows of the public log as a Merkle tree: entries, the objects they name, the tree's hashes, its checkpoints."""

from django.db import models
from django.db.models import Q

from incidents.leaves import LeafOp


class LogObject(models.Model):
    """A signed object, by the SHA-256 of its bytes. Only erasure changes it: then the bytes go, and the row stays."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField(null=True, help_text="The JWS, exactly as signed; empty once it is erased.")

    def __str__(self) -> str:
        return self.digest


class LogEntry(models.Model):
    """One leaf of the tree. Indices begin at 0, have no gap and follow commit order; entries never change."""

    index = models.BigIntegerField(primary_key=True)
    op = models.CharField(max_length=10, choices=[(op.value, op.value) for op in LeafOp])
    subject = models.CharField(max_length=64, help_text="The id whose revision this is.")
    revision = models.PositiveIntegerField()
    object = models.OneToOneField(LogObject, on_delete=models.PROTECT, related_name="entry")
    leaf = models.BinaryField(help_text="RFC 8785 bytes, which the tree covers.")

    class Meta:
        ordering = ["index"]
        verbose_name_plural = "log entries"
        constraints = [
            models.UniqueConstraint(fields=["subject", "revision"], name="log_entry_revision"),
            models.CheckConstraint(condition=Q(index__gte=0), name="log_entry_index_from_zero"),
        ]

    def __str__(self) -> str:
        return f"#{self.index} {self.op} {self.subject}"


class TreeHash(models.Model):
    """A hash that tiles hold: of level 0 are the leaves', each of level l + 1 is the root over 256 full ones of l."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "tree hashes"

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Checkpoint(models.Model):
    """A signed statement of the log's size and root; what the world reads of the log ends with the largest."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField(help_text="The signed note (c2sp.org/tlog-checkpoint).")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"{self.size} entries"
