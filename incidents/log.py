"""Reading and checking the public log."""

import json
from collections.abc import Iterator
from datetime import datetime

from incidents.dates import last_moment
from incidents.models import Incident, Publication, SearchRow
from incidents.position import LogHead, read_head
from incidents.publishing import leaf
from lib.canonical import chain, digest


class BadStateError(ValueError):
    """A state of the log that there is not, or no way to name one; the message says what it may be."""


def head() -> LogHead:
    """Where the log stands now."""
    return read_head()


def number_at(moment: datetime) -> int:
    """The last entry dated by that moment; 0 before the first one."""
    rows = SearchRow.objects.filter(modified_at__lte=moment).order_by("-modified_at", "-incident")
    return rows.values_list("pk", flat=True).first() or 0


def number_of(text: str, last: int) -> int:
    """The entry that a number, or the end of a month, a day or a second, stands for. Raises BadStateError."""
    if text.isascii() and text.isdigit():
        if len(text) > len(str(last)) or int(text) > last:
            raise BadStateError(f"as_of is at most {last}, the last number of the log.")
        return int(text)
    try:
        moment = last_moment(text)
    except ValueError as error:
        raise BadStateError(
            "as_of is a number of the log, or a month, a day or a moment, as 2026-03, 2026-03-01 or "
            "2026-03-01T10:00:00Z."
        ) from error
    return number_at(moment)


def problems() -> Iterator[str]:
    """Derives the whole log again from its rows; one sentence for each thing that does not hold."""
    expected, previous = 1, ""
    latest: dict[str, tuple[int, str]] = {}
    superseded: dict[str, str] = {}
    entries = Publication.objects.order_by("number").select_related("incident")
    for entry in entries.iterator(chunk_size=1000):
        public_id = entry.incident.public_id
        if entry.number != expected:
            yield f"#{expected} is missing"
        if digest(bytes(entry.document)) != entry.digest:
            yield f"#{entry.number}: the document does not have the digest in the log"
        if chain(previous, leaf(entry, public_id)) != entry.chain:
            yield f"#{entry.number}: the chain breaks here"
        expected, previous = entry.number + 1, entry.chain
        latest[public_id] = (entry.version, entry.digest)
        successor = _successor(entry)
        if successor and successor not in latest:
            yield f"#{entry.number}: {public_id} is merged into {successor}, which the log does not have"
        superseded[public_id] = successor
    yield from _not_as_served(latest, superseded)


def _not_as_served(latest: dict[str, tuple[int, str]], superseded: dict[str, str]) -> Iterator[str]:
    columns = ("public_id", "version", "digest", "document", "superseded_by")
    for incident in Incident.objects.only(*columns).iterator(chunk_size=1000):
        if latest.get(incident.public_id) != (incident.version, digest(bytes(incident.document))):
            yield f"{incident.public_id}: what is served is not the last version in the log"
        if superseded.get(incident.public_id) != incident.superseded_by:
            yield f"{incident.public_id}: it leads to another record than the log says"


def _successor(entry: Publication) -> str:
    """The record that the entry's document names in its place; "" where it names none, or is no document at all."""
    try:
        document = json.loads(bytes(entry.document))
    except ValueError:
        return ""
    return str(document.get("superseded_by") or "") if isinstance(document, dict) else ""
