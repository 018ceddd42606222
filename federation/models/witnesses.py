"""Peers as witnesses: what we cosign of their logs, and what they cosigned of ours."""

from django.db import models

from federation.models.peer import Peer
from lib.due import DueRow


class Cosigning(DueRow):
    """The standing job of returning a cosignature to a peer; due while more of its log is kept than was cosigned."""

    peer = models.OneToOneField(Peer, on_delete=models.PROTECT, primary_key=True, related_name="cosigning")
    returned = models.BigIntegerField(default=0, help_text="Entries of the last checkpoint of it that we cosigned.")
    returned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(returned__gte=0), name="cosigning_from_zero")]

    def __str__(self) -> str:
        return f"{self.peer_id}: {self.returned}"


class Cosignature(models.Model):
    """The line by which a peer last said that it saw a checkpoint of ours, and none that contradicts it."""

    peer = models.OneToOneField(Peer, on_delete=models.PROTECT, primary_key=True, related_name="cosignature")
    size = models.BigIntegerField(help_text="Entries that our checkpoint covers.")
    line = models.CharField(max_length=500, help_text="As it stands in the note, with its end.")
    at = models.DateTimeField(help_text="As the peer states it.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(size__gt=0), name="cosignature_of_entries")]

    def __str__(self) -> str:
        return f"{self.peer_id}: {self.size}"
