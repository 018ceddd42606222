"""A model's openness, kept beside it: so that models are found, counted and shown by it without reading raw answers.

Noted with each answer of the hub and each inspection: a base's new licence is in it from the next of them on.
"""

from django.utils import timezone

from catalogue.models import Model, Openness
from catalogue.profiles import profile_of
from catalogue.snapshots import latest_snapshot


def note(model: Model) -> None:
    """Keeps what the last answer and the last inspection say; forgets it where there is nothing the public may see."""
    snapshot = latest_snapshot(model, "")
    if snapshot is None or snapshot.private:
        Openness.objects.filter(model=model).delete()
        return
    profile = profile_of(model)
    answers = profile.answers.items() if profile else ()
    columns = {
        "licence": snapshot.licence.lower(),
        "profile": profile.as_dict() if profile else None,
        "traits": {dimension.value: answer.value for dimension, answer in answers if answer.value is not None},
        "assessed_at": timezone.now(),
    }
    Openness.objects.update_or_create(model=model, defaults=columns)
