"""This node's own word on records of others: a public note, a link to a record of ours on the same event, hiding one.

The document stays as its origin signed it, in what is shown of it, in the mirror of its log and in its proof. Hiding is
this node's decision, and undone as easily: until then it counts as withdrawn here, whatever its origin adds, and stands
in no list, also of no earlier state.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from incidents import showing, tree
from incidents.models import STANDS, Incident, Operation, Publication, SearchRow
from incidents.overlay_models import Overlay
from incidents.publishing import instant
from incidents.record import Record, Status
from incidents.showing import Standing, Version
from lib.text import clean_text

MOST_NOTE, MOST_REASON = 2000, 500
_LIST_AGAIN = """
UPDATE incidents_searchrow row SET until = following.number
FROM (
    SELECT number AS own, lead(number, 1, %s) OVER (ORDER BY number) AS number
    FROM incidents_publication WHERE incident_id = %s
) AS following
WHERE row.number = following.own
"""


class OverlayError(ValueError):
    """It cannot be said of that record; the message says why."""


@transaction.atomic
def annotate(public_id: str, *, note: str, same_event: str = "") -> Overlay:
    """Sets the note ("" for none) and the record of ours on the same event. Raises OverlayError."""
    tree.lock()
    overlay = _of(public_id)
    overlay.note, overlay.same_event = _cleaned(note, MOST_NOTE), _ours(same_event)
    overlay.save()
    showing.tell()
    return overlay


@transaction.atomic
def hide(public_id: str, *, because: str) -> Publication:
    """Shows the record no more, and says why. Raises OverlayError."""
    tree.lock()
    overlay, reason = _of(public_id), _cleaned(because, MOST_REASON)
    if overlay.hidden_at:
        raise OverlayError(f"{public_id} is hidden already")
    if not reason:
        raise OverlayError("say why, for everybody to read")
    overlay.hidden_at, overlay.hidden_because = timezone.now(), reason
    overlay.save()
    publication = _project(overlay.incident, Operation.WITHDRAW)
    # The database keeps every later row out of the lists, too.
    SearchRow.objects.filter(publication__incident=overlay.incident).update(until=F("publication"))
    return publication


@transaction.atomic
def show_again(public_id: str) -> Publication:
    """Shows a hidden record again, as its origin has it by now. Raises OverlayError."""
    tree.lock()
    overlay = _of(public_id)
    if not overlay.hidden_at:
        raise OverlayError(f"{public_id} is not hidden")
    overlay.hidden_at, overlay.hidden_because = None, ""
    overlay.save()
    record = Record.model_validate_json(bytes(overlay.incident.document))
    stands = record.status is not Status.WITHDRAWN
    publication = _project(overlay.incident, Operation.RESTORE if stands else Operation.WITHDRAW)
    _list_again(overlay.incident)
    return publication


def of(public_id: str) -> dict[str, Any] | None:
    """What this node says of a record, as JSON; None where that is nothing."""
    overlay = Overlay.objects.filter(incident__public_id=public_id).select_related("incident", "same_event").first()
    if overlay is None or not (overlay.note or overlay.same_event or overlay.hidden_at):
        return None
    return {
        "node": settings.NODE_NAME,
        "id": public_id,
        "origin": overlay.incident.origin,
        "note": overlay.note,
        "same_event": overlay.same_event.public_id if overlay.same_event else None,
        "hidden": {"at": instant(overlay.hidden_at), "because": overlay.hidden_because} if overlay.hidden_at else None,
        "changed": instant(overlay.changed_at),
    }


def hidden(public_id: str) -> Overlay | None:
    """The overlay by which the record is hidden."""
    if "\x00" in public_id:
        return None
    return Overlay.objects.filter(incident__public_id=public_id.upper(), hidden_at__isnull=False).first()


def elsewhere(incident: Incident) -> list[Incident]:
    """The records of other nodes that are said to be on the same event as this one of ours."""
    linked = Incident.objects.filter(overlay__same_event=incident, overlay__hidden_at=None)
    return list(linked.defer("document").order_by("public_id"))


def drop(incident: Incident) -> None:
    """Leaves nothing of what was said of a record that its origin erased."""
    Overlay.objects.filter(incident=incident).delete()


def as_logged(entries: Iterable[Publication]) -> list[Publication]:
    """Of what was published of a record, oldest first, what its origin logged; a second row of an entry is ours."""
    seen: set[int | None] = set()
    logged = []
    for entry in entries:
        if entry.entry_id is not None or entry.index_at_origin not in seen:
            logged.append(entry)
        seen.add(entry.index_at_origin)
    return logged


def _of(public_id: str) -> Overlay:
    incident = Incident.objects.select_for_update().filter(public_id=public_id).first()
    if incident is None:
        raise OverlayError(f"{public_id[:40]} is no record that is shown here")
    if incident.origin == settings.NODE_NAME:
        raise OverlayError(f"{public_id} is this node's own: correct, dispute or withdraw it instead")
    return Overlay.objects.filter(incident=incident).first() or Overlay(incident=incident)


def _ours(public_id: str) -> Incident | None:
    if not public_id:
        return None
    found = Incident.objects.filter(public_id=public_id.strip().upper(), origin=settings.NODE_NAME).first()
    if found is None:
        raise OverlayError(f"{public_id[:40]} is no record of this node")
    return found


def _cleaned(text: str, most: int) -> str:
    cleaned = clean_text(text)
    if len(cleaned) > most:
        raise OverlayError(f"that is longer than {most} characters")
    return cleaned


def _project(incident: Incident, operation: Operation) -> Publication:
    """The version that is shown, once more, so that whatever finds, counts and hands on records follows."""
    last = incident.publications.order_by("-number").first()
    if last is None:
        raise OverlayError(f"{incident.public_id} was never published")
    standing = Standing(last.object_digest, index_at_origin=last.index_at_origin)
    document = bytes(incident.document)
    record = Record.model_validate_json(document)
    if hidden_among([incident]):
        record = as_hidden(record)
    at = timezone.now().replace(microsecond=0)
    return showing.show([Version(incident, operation, record, document, standing, at)])[0]


def _list_again(incident: Incident) -> None:
    """Each version from its number to that of the next, as before the record was hidden."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST_AGAIN, [STANDS, incident.pk])


def hidden_among(incidents: Iterable[Incident]) -> set[str]:
    """The public ids of those that this node hides."""
    known = [incident.pk for incident in incidents if incident.pk is not None]
    rows = Overlay.objects.filter(incident__in=known, hidden_at__isnull=False)
    return set(rows.values_list("incident__public_id", flat=True)) if known else set()


def as_hidden(record: Record) -> Record:
    """For whatever finds and counts it: as withdrawn, as long as this node hides it."""
    return record.model_copy(update={"status": Status.WITHDRAWN})
