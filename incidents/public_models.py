"""What the public may know of a model: only models that a record in force names, and only what concerns those records.

The catalogue also knows models from reports nobody has decided on; this is the one place that keeps them apart.
"""

from dataclasses import dataclass, field

from django.db.models import Count

from catalogue.hub import Reference, hubs
from catalogue.models import Model, Snapshot
from catalogue.naming import find_alias, names_of
from catalogue.snapshots import latest_snapshot
from incidents.models import Affected, Incident
from incidents.record import AffectedStatus, Status
from incidents.search import of_model


@dataclass(frozen=True)
class PublicModel:
    """A model that records in force name. `names` are the hub's name now and every name a record uses."""

    hub: str
    name: str
    stable_id: str
    names: tuple[str, ...]
    url: str
    purl: str
    latest: Snapshot | None
    incidents: tuple[Incident, ...]
    revisions: tuple[str, ...] = field(default=())


def public_model(hub: str, name: str) -> PublicModel | None:
    """The model by any of its names, letter case aside; None where no record in force names it."""
    if hub not in hubs() or "\x00" in name:
        return None
    alias = find_alias(hub, name)
    model = alias.model if alias else Model(hub=hub, name=name)
    names = names_of(model) if alias else [name]
    incidents = tuple(of_model(hub, names, model.stable_id or "").order_by("-published_at", "-pk"))
    if not incidents:
        return None
    return _described(model, incidents, names)


def _described(model: Model, incidents: tuple[Incident, ...], names: list[str]) -> PublicModel:
    keys = {name.lower() for name in names}
    rows = [
        row
        for row in Affected.objects.filter(incident__in=incidents, hub=model.hub).order_by("pk")
        if row.name_key in keys or (row.stable_id and row.stable_id == model.stable_id)
    ]
    name = model.name if model.stable_id else rows[0].name
    reference = Reference(model.hub, name)
    hub = hubs()[model.hub]
    return PublicModel(
        hub=model.hub,
        name=name,
        stable_id=model.stable_id or "",
        names=tuple(dict.fromkeys([name, *(row.name for row in rows)])),
        url=hub.url(reference),
        purl=hub.purl(reference),
        latest=latest_snapshot(model, "") if model.pk else None,
        incidents=incidents,
        revisions=tuple(dict.fromkeys(row.revision for row in rows if row.revision)),
    )


def most_named(limit: int) -> list[tuple[str, str, int]]:
    """The models most records in force name: hub, name, how many records."""
    rows = (
        Affected.objects.exclude(hub="")
        .exclude(status=AffectedStatus.NOT_AFFECTED)
        .exclude(incident__status=Status.WITHDRAWN)
        .values_list("hub", "name")
        .annotate(records=Count("incident", distinct=True))
        .order_by("-records", "name")
    )
    return list(rows[:limit])
