"""Telling other nodes that our log grew."""

from django.db import models

from federation.models.peer import Peer
from lib.due import DueRow


class Notice(DueRow):
    """The standing job of telling a peer; due while our last checkpoint has more entries than it was told of."""

    peer = models.OneToOneField(Peer, on_delete=models.PROTECT, primary_key=True, related_name="notice")
    told = models.BigIntegerField(default=0, help_text="Entries of our log that it was told of.")
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(told__gte=0), name="notice_told_from_zero")]

    def __str__(self) -> str:
        return f"{self.peer_id}: {self.told}"
