"""Proofs of records of other nodes, from the mirrors of their logs: as `incidents.proofs`, and in the same form."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from federation import mirror
from federation.models import Mirror, PulledEntry
from incidents.connection import of_public
from incidents.leaves import KEYS
from incidents.proofs import SCHEMA, NotSignedYetError
from incidents.stored import origin_of
from lib.merkle import inclusion_ranges


@dataclass(frozen=True)
class Place:
    """Where a record's last entry is in the log of its origin, of which so many entries are kept under a checkpoint."""

    origin: str
    index: int
    signed: int
    address: str

    @property
    def is_signed(self) -> bool:
        """Whether it can be proved already."""
        return self.index < self.signed


def place_of(public_id: str) -> Place | None:
    """Where the record stands; None for one that no mirror has."""
    kept = _mirror_of(public_id)
    entry = _last(kept, public_id) if kept else None
    if kept is None or entry is None:
        return None
    return Place(kept.origin, entry.index, kept.size, f"/mirror/{kept.origin_digest}")


def bundle(public_id: str) -> dict[str, Any] | None:
    """What proves a record of another node under its origin's checkpoint; None for one that no mirror has.

    Raises NotSignedYetError.
    """
    kept = _mirror_of(public_id)
    entry = _last(kept, public_id) if kept else None
    if kept is None or entry is None:
        return None
    if entry.index >= kept.size:
        raise NotSignedYetError(public_id)
    keys = _last(kept, KEYS)
    return {
        "schema": SCHEMA,
        "id": public_id,
        **_proved(entry, kept),
        "keys": _proved(keys, kept) if keys else None,
        "checkpoint": kept.note,
    }


def _mirror_of(public_id: str) -> Mirror | None:
    origin = origin_of(public_id)
    return of_public(Mirror).filter(origin=f"{origin}/log").first() if origin else None


def _last(kept: Mirror, subject: str) -> PulledEntry | None:
    """The last entry under the checkpoint that is kept, or of all while that does not cover any."""
    entries = of_public(PulledEntry).filter(peer=kept.peer_id, subject=subject).select_related("object")
    covered = entries.filter(index__lt=kept.size).order_by("-index").first()
    return covered or entries.order_by("index").first()


def _proved(entry: PulledEntry, kept: Mirror) -> dict[str, Any]:
    body = entry.object.body
    hashes = mirror.roots(kept.peer_id, inclusion_ranges(entry.index, kept.size))
    return {
        "index": entry.index,
        "leaf": bytes(entry.leaf).decode(),
        "object": json.loads(bytes(body)) if body is not None else None,
        "inclusion": [base64.b64encode(one).decode() for one in hashes],
    }
