"""What a badge says of a model: the published incidents that nobody disputes, and when the last one was published."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from catalogue.models import Model
from catalogue.naming import names_of
from incidents.models import Affected, Incident
from incidents.record import AffectedStatus, Kind, Status


@dataclass(frozen=True)
class Tally:
    """How many, and when the newest of them was published; 0 and None where there is none."""

    incidents: int = 0
    newest: datetime | None = None


def tally(model: Model | None) -> Tally:
    """Of a model that `public_models.resolve` gave. No hazards, exercises or measurements, nothing disputed, and no
    record that calls the model not affected.
    """
    if model is None:
        return Tally()
    names = names_of(model) if model.pk else [model.name]
    named = Q(name_key__in=[name.lower() for name in names])
    if model.stable_id:
        named |= Q(stable_id=model.stable_id)
    rows = Affected.objects.filter(named, hub=model.hub).exclude(status=AffectedStatus.NOT_AFFECTED)
    counted = Incident.objects.filter(status=Status.PUBLISHED, kind=Kind.INCIDENT, pk__in=rows.values("incident"))
    return Tally(**counted.aggregate(incidents=Count("pk"), newest=Max("published_at")))
