"""Stored documents by their id or number: one prepared query each, and no model instances."""

from dataclasses import dataclass
from datetime import datetime

from incidents.connection import rows

_RECORD = """
SELECT public_id, digest, superseded_by, document, origin FROM incidents_incident incident
WHERE public_id = %s AND erased_at IS NULL AND NOT EXISTS (
    SELECT FROM incidents_overlay overlay WHERE overlay.incident_id = incident.id AND overlay.hidden_at IS NOT NULL
)
"""
_ENTRIES = """
SELECT publication.number, publication.operation, incident.public_id, publication.version, publication.at,
       publication.digest, publication.object_digest,
       CASE WHEN overlay.hidden_at IS NULL THEN publication.document ELSE ''::bytea END, incident.origin,
       coalesce(publication.entry_id, publication.index_at_origin)
FROM incidents_publication publication JOIN incidents_incident incident ON incident.id = publication.incident_id
LEFT JOIN incidents_overlay overlay ON overlay.incident_id = incident.id
WHERE publication.number > %s ORDER BY publication.number LIMIT %s
"""


@dataclass(frozen=True)
class StoredRecord:
    """A record as it stands; `superseded_by` is "" unless it was merged."""

    public_id: str
    digest: str
    superseded_by: str
    document: bytes
    origin: str


@dataclass(frozen=True)
class Entry:
    """One publication with the document of that version; `digest` and `document` are empty once it was erased;
    `document` is while this node hides the record.

    `number` is its place among all that became public here, `index` that in the log of the node `origin`.
    """

    number: int
    operation: str
    public_id: str
    version: int
    at: datetime
    digest: str
    object_digest: str
    document: bytes
    origin: str
    index: int


def record(public_id: str) -> StoredRecord | None:
    """The record with just that public id, or None; None of one that was erased or is hidden here, too."""
    if "\x00" in public_id:  # which PostgreSQL cannot even compare with
        return None
    found = rows(_RECORD, [public_id])
    return StoredRecord(*found[0]) if found else None


def origin_of(public_id: str) -> str:
    """The node whose record that is, erased or not; "" of one that was never shown here."""
    found = (
        [] if "\x00" in public_id else rows("SELECT origin FROM incidents_incident WHERE public_id = %s", [public_id])
    )
    return str(found[0][0]) if found else ""


def entries_after(number: int, limit: int) -> list[Entry]:
    """The next `limit` publications after `number`, oldest first: none is missed, as numbers follow commit order."""
    return [Entry(*row) for row in rows(_ENTRIES, [number, limit])]
