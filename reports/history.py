"""The chain over all activities, and its proof.

An activity's `digest` is SHA-256 over the RFC 8785 bytes of {"actor", "actor_name", "after", "at", "before", "case",
"note", "report", "verb"}; "note" is SHA-256(salt || note), or "" without one. At commit the database numbers it and
writes chain(n) = SHA-256(chain(n-1) || leaf(n)), where leaf(n) is the RFC 8785 form of {"activity", "digest",
"number"} and chain(0) is 32 zero bytes: the construction of the public log.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from lib.canonical import canonical_bytes, chain, digest
from reports.models import Activity, ActivityLink

ERASE = "erase"


@dataclass(frozen=True)
class Head:
    """Where the chain stands: the last number and its digest; 0 and "" before the first activity."""

    number: int
    chain: str


def append(**fields: Any) -> Activity:
    """Writes an activity with its digests. `fields` are its columns but `at`, the salt and the digests."""
    note = fields.get("note", "")
    salt = secrets.token_hex(16) if note else ""
    activity = Activity(**fields, note_salt=salt, note_digest=note_digest(salt, note))
    activity.digest = row_digest(activity)
    activity.save(force_insert=True)
    return activity


def note_digest(salt: str, note: str) -> str:
    """SHA-256 over the salt's bytes and the note, 64 hex characters; "" without a note."""
    return digest(bytes.fromhex(salt) + note.encode()) if note else ""


def row_digest(activity: Activity) -> str:
    """The digest of an activity as its columns stand, 64 hex characters."""
    document = {
        "actor": activity.actor_id,
        "actor_name": activity.actor_name,
        "after": activity.after,
        "at": activity.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "before": activity.before,
        "case": activity.case_id,
        "note": activity.note_digest,
        "report": activity.report_id,
        "verb": activity.verb,
    }
    return digest(canonical_bytes(document))


def leaf(link: ActivityLink) -> bytes:
    """The bytes of a link that the chain covers."""
    return canonical_bytes({"activity": link.activity_id, "digest": link.activity.digest, "number": link.number})


def head() -> Head:
    """Where the chain stands now."""
    last = ActivityLink.objects.order_by("-number").values_list("number", "chain").first()
    return Head(*last) if last else Head(0, "")


def problems(known: Head | None = None) -> Iterator[str]:
    """Derives the whole chain again; one sentence for each thing that does not hold, in the order of the chain.

    `known` is a head somebody noted earlier: without one, a chain that was cut at its end looks whole.
    """
    erased: set[tuple[int | None, int | None]] = set(
        Activity.objects.filter(verb=ERASE).values_list("report_id", "case_id")
    )
    expected, previous = 1, ""
    for link in ActivityLink.objects.order_by("number").select_related("activity").iterator(chunk_size=1000):
        activity = link.activity
        place = f"#{link.number}, activity {activity.pk}"
        if link.number != expected:
            yield f"#{expected} is missing"
        if row_digest(activity) != activity.digest:
            yield f"{place}: the row does not have its digest"
        yield from (f"{place}: {problem}" for problem in _problems_of_note(activity, erased))
        if chain(previous, leaf(link)) != link.chain:
            yield f"{place}: the chain breaks here"
        if known and known.number == link.number and known.chain != link.chain:
            yield f"{place}: the chain is not the one you noted"
        expected, previous = link.number + 1, link.chain
    if known and known.number >= expected:
        yield f"#{known.number} is missing, which you noted"
    for activity in Activity.objects.filter(link=None).order_by("pk"):
        yield f"activity {activity.pk} is in no link of the chain"


def _problems_of_note(activity: Activity, erased: set[tuple[int | None, int | None]]) -> Iterator[str]:
    if activity.note_digest and not activity.note:
        if not {(activity.report_id, None), (None, activity.case_id)} & erased:
            yield "the note is gone, and nobody erased what it was about"
    elif note_digest(activity.note_salt, activity.note) != activity.note_digest:
        yield "the note does not have its digest"
