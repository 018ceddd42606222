"""Public queries: one `find` for pages and API alike."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, Q, QuerySet

from incidents.models import Affected, Incident
from incidents.record import Status
from incidents.taxonomy import with_descendants

MOST_PER_PAGE = 100


class BadCursorError(ValueError):
    """The cursor was not made by this node."""


@dataclass(frozen=True)
class Wanted:
    """Which incidents; an empty field does not restrict. `model` is a name on `hub`, letter case aside."""

    q: str = ""
    category: str = ""
    kind: str = ""
    severity: str = ""
    evidence_grade: str = ""
    status: str = ""
    hub: str = ""
    model: str = ""
    alias: str = ""


@dataclass(frozen=True)
class Page:
    """Incidents, newest first, and the cursor of the page after ("" at the end)."""

    incidents: list[Incident]
    next: str


def find(wanted: Wanted, *, after: str = "", limit: int = 50) -> Page:
    """The incidents wanted, newest publication first, from just after the cursor. Raises BadCursorError."""
    rows = matching(wanted).order_by("-published_at", "-pk")
    if after:
        moment, pk = _read_cursor(after)
        rows = rows.filter(Q(published_at__lt=moment) | Q(published_at=moment, pk__lt=pk))
    found = list(rows[: limit + 1])
    return Page(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else "")


def matching(wanted: Wanted) -> QuerySet[Incident]:
    """Every incident wanted, in no order. Withdrawn ones only where asked for by status."""
    rows = (
        Incident.objects.filter(status=wanted.status)
        if wanted.status
        else Incident.objects.exclude(status=Status.WITHDRAWN)
    )
    for column in ("kind", "severity", "evidence_grade"):
        if value := getattr(wanted, column):
            rows = rows.filter(**{column: value})
    if wanted.category:
        rows = rows.filter(category__in=with_descendants(wanted.category))
    if wanted.q:
        rows = rows.filter(search=SearchQuery(wanted.q, search_type="websearch", config="english"))
    if wanted.alias:
        rows = rows.filter(other_ids__key=wanted.alias.lower())
    return _of_model(rows, wanted)


def _of_model(rows: QuerySet[Incident], wanted: Wanted) -> QuerySet[Incident]:
    if not wanted.hub and not wanted.model:
        return rows
    affected = Affected.objects.all()
    if wanted.hub:
        affected = affected.filter(hub=wanted.hub)
    if wanted.model:
        affected = affected.filter(name_key=wanted.model.lower())
    return rows.filter(pk__in=affected.values("incident"))


def of_model(hub: str, names: list[str], stable_id: str) -> QuerySet[Incident]:
    """Incidents in force that name the model, under any of its names or by its stable id; newest first."""
    named = Q(name_key__in=[name.lower() for name in names])
    if stable_id:
        named |= Q(stable_id=stable_id)
    affected = Affected.objects.filter(named, hub=hub)
    return Incident.objects.exclude(status=Status.WITHDRAWN).filter(pk__in=affected.values("incident"))


def counts_by_category() -> dict[str, int]:
    """How many records in force each category has."""
    rows = Incident.objects.exclude(status=Status.WITHDRAWN).values_list("category")
    return dict(rows.annotate(n=Count("pk")).order_by("category"))


def by_id(text: str) -> Incident | None:
    """The incident with that public id, or that id in another database."""
    if "\x00" in text:  # which PostgreSQL cannot even compare with
        return None
    found = Incident.objects.filter(public_id=text.upper()).first()
    others = Incident.objects.filter(other_ids__key=text.lower()).order_by("pk")
    return found or others.exclude(status=Status.WITHDRAWN).first() or others.first()


def tombstone(text: str) -> Incident | None:
    """What is left of the erased record with that public id."""
    if "\x00" in text:
        return None
    return Incident.everything.filter(public_id=text.upper(), erased_at__isnull=False).first()


def in_place_of(incident: Incident) -> Incident:
    """The record that stands in the place of a merged one, through every merge; the incident itself otherwise."""
    found, seen = incident, {incident.public_id}
    while found.superseded_by and found.superseded_by not in seen:
        following = Incident.everything.filter(public_id=found.superseded_by).first()
        if following is None:
            break
        seen.add(following.public_id)
        found = following
    return found


def merged_into(incident: Incident) -> list[str]:
    """The public ids of the records that were merged into this one, oldest first."""
    rows = Incident.objects.filter(superseded_by=incident.public_id).order_by("published_at", "pk")
    return list(rows.values_list("public_id", flat=True))


def _cursor(incident: Incident) -> str:
    return _written(incident.published_at, incident.pk)


def _written(moment: datetime, pk: int) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {pk}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[datetime, int]:
    try:
        moment, pk = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        read = datetime.fromisoformat(moment), int(pk)
    except (ValueError, binascii.Error) as error:
        raise BadCursorError("the cursor was not made by this node") from error
    # Only what we would have written: no other offset, no other digits, no number the database cannot hold.
    if read[0].utcoffset() != timedelta(0) or not 0 < read[1] < 2**63 or _written(*read) != text:
        raise BadCursorError("the cursor was not made by this node")
    return read
