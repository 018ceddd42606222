"""Records by what they are about, and by their ids. Lists with filters are `incidents.listing`."""

from django.db.models import Q, QuerySet

from incidents.models import Affected, Incident
from incidents.record import Status


def of_model(hub: str, names: list[str], stable_id: str) -> QuerySet[Incident]:
    """Incidents in force that name the model, under any of its names or by its stable id; newest first."""
    named = Q(name_key__in=[name.lower() for name in names])
    if stable_id:
        named |= Q(stable_id=stable_id)
    affected = Affected.objects.filter(named, hub=hub)
    return Incident.objects.exclude(status=Status.WITHDRAWN).filter(pk__in=affected.values("incident"))


def by_id(text: str) -> Incident | None:
    """The incident with that public id, or that id in another database; none that this node hides."""
    if "\x00" in text:  # which PostgreSQL cannot even compare with
        return None
    shown = Incident.objects.filter(Q(overlay=None) | Q(overlay__hidden_at=None))
    found = shown.filter(public_id=text.upper()).first()
    others = shown.filter(other_ids__key=text.lower()).order_by("pk")
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
