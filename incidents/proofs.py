"""Proofs from the signed tree: that an entry is in it, and that one checkpoint continues another."""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from incidents import checkpoints, tree
from incidents.connection import of_public
from incidents.leaves import KEYS
from incidents.log_models import Checkpoint, LogEntry
from lib.merkle import consistency_ranges, inclusion_ranges
from lib.notes import with_lines

SCHEMA = "faultline/proof/1"


class NotSignedYetError(LookupError):
    """No checkpoint covers the entry yet; one will within a minute."""


class NoSuchSizeError(ValueError):
    """There is no such tree; the message says which sizes there are."""


@dataclass(frozen=True)
class Place:
    """Where a record's last entry is, and how many entries the last checkpoint covers (0 without one)."""

    index: int
    signed: int

    @property
    def is_signed(self) -> bool:
        """Whether it can be proved already."""
        return self.index < self.signed


def last_entry(public_id: str) -> LogEntry | None:
    """The entry of the last version, or of the erasure."""
    return of_public(LogEntry).filter(subject=public_id).order_by("-revision").first()


def place_of(public_id: str) -> Place | None:
    """Where the record stands in the log; None for one that is not of this log."""
    entry, signed = last_entry(public_id), checkpoints.latest(using=settings.PUBLIC_READS)
    return Place(entry.index, signed.size if signed else 0) if entry else None


def bundle(public_id: str, cosignatures: Callable[[int], Iterable[str]]) -> dict[str, Any] | None:
    """Everything that proves a record without asking anybody: what faultline-verify reads. None for one not here.

    Members: the signed object, its leaf, the inclusion proof, the checkpoint, and the same for the last key event,
    which says whose signatures count. Hashes are base64, the first the leaf's sibling. Below our signature stand the
    lines that `cosignatures` gives for the checkpoint's size. Raises NotSignedYetError.
    """
    entry, signed = last_entry(public_id), checkpoints.latest(using=settings.PUBLIC_READS)
    if entry is None:
        return None
    if signed is None or entry.index >= signed.size:
        raise NotSignedYetError(public_id)
    keys = of_public(LogEntry).filter(subject=KEYS, index__lt=signed.size).order_by("-revision").first()
    return {
        "schema": SCHEMA,
        "id": public_id,
        **_proved(entry, signed),
        "keys": _proved(keys, signed) if keys else None,
        "checkpoint": with_lines(signed.note, cosignatures(signed.size)),
    }


def _proved(entry: LogEntry, signed: Checkpoint) -> dict[str, Any]:
    body = entry.object.body
    return {
        "index": entry.index,
        "leaf": bytes(entry.leaf).decode(),
        "object": json.loads(bytes(body)) if body is not None else None,
        "inclusion": _base64(tree.roots(inclusion_ranges(entry.index, signed.size), using=settings.PUBLIC_READS)),
    }


def consistency(old: int, new: int | None) -> dict[str, Any]:
    """The proof that the tree of `new` entries (None: as many as are signed) begins with that of `old`.

    Raises NoSuchSizeError.
    """
    last = checkpoints.latest(using=settings.PUBLIC_READS)
    signed = last.size if last else 0
    new = signed if new is None else new
    if not 0 < old <= new <= signed:
        raise NoSuchSizeError(f"{signed} entries are signed: from 1 up to that, and from is not above to")
    return {
        "from": old,
        "to": new,
        "from_root": _base64([tree.root(old, using=settings.PUBLIC_READS)])[0],
        "to_root": _base64([tree.root(new, using=settings.PUBLIC_READS)])[0],
        "proof": _base64(tree.roots(consistency_ranges(old, new), using=settings.PUBLIC_READS)),
    }


def _base64(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
