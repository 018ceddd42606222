"""A node whose log this one follows: where it is read, which key is pinned, what is shown of it, how far it is read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from lib.due import DueRow
from lib.notes import NoteKey, parse_key


class PeerState(models.TextChoices):
    """Whether its log is followed. What is shown of it stays as it is in any state."""

    FOLLOWED = "followed"
    PAUSED = "paused"
    REMOVED = "removed"


class Acceptance(models.TextChoices):
    """What happens to a record of another node: it is shown, waits for a moderator, or is passed over."""

    PUBLISH = "publish"
    MODERATE = "moderate"
    REJECT = "reject"


class Peer(DueRow):
    """The standing job of following one log; due whenever it is to be asked again.

    Three places in the log count entries from its beginning: `seen` as the last checkpoint has them, `size` as they are
    verified and kept, `applied` as far as they took effect here.
    """

    domain = models.CharField(max_length=253, unique=True, help_text="The node's name, and its records' origin.")
    origin = models.CharField(max_length=260, unique=True, help_text="What its checkpoints call its log.")
    origin_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the origin: its mirrors' place.")
    node_address = models.CharField(
        max_length=500, blank=True, help_text="Where the node itself answers; empty where only a mirror of it is known."
    )
    log_address = models.CharField(max_length=500, help_text="The prefix of its log, or of a mirror of it.")
    vkey = models.CharField(max_length=400, help_text="The key that its operators gave by another way.")
    state = models.CharField(max_length=10, choices=PeerState, default=PeerState.FOLLOWED)

    acceptance = models.CharField(max_length=10, choices=Acceptance, default=Acceptance.MODERATE)
    acceptance_by_category = models.JSONField(
        default=dict, blank=True, help_text="Categories that are treated otherwise; what is below one, as it is."
    )
    licences = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Under which its records must be to be taken."
    )
    most_entries = models.PositiveIntegerField(default=10_000, help_text="That one run reads.")
    most_object_bytes = models.PositiveIntegerField(default=500_000, help_text="Of a signed object; larger ones wait.")

    seen = models.BigIntegerField(default=0, help_text="Entries, as its last checkpoint has them.")
    size = models.BigIntegerField(default=0, help_text="Entries verified and kept here.")
    applied = models.BigIntegerField(default=0, help_text="Entries that took effect here.")
    history = models.BigIntegerField(
        default=0, help_text="Entries when it was first read: withdrawals among them are none of today's."
    )
    root = models.BinaryField(default=b"", help_text="Over the entries kept.")
    seen_note = models.TextField(blank=True, help_text="The last checkpoint of all, which begins with what is kept.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it last answered well.")
    distrusted_at = models.DateTimeField(
        null=True, blank=True, help_text="Since it contradicted itself: nothing of it is shown by itself from then on."
    )

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.CheckConstraint(
                condition=Q(applied__gte=0, applied__lte=F("size"), size__lte=F("seen")), name="peer_reads_in_order"
            ),
        ]

    def __str__(self) -> str:
        return self.domain

    @property
    def key(self) -> NoteKey:
        """The pinned key."""
        return parse_key(self.vkey)

    @property
    def lag(self) -> int:
        """Entries that its last checkpoint has, and that did not take effect here yet."""
        return self.seen - self.applied
