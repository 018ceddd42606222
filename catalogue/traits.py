"""A model's openness in brief, kept beside it: so that models can be found and counted by it without reading answers.

Noted with each answer of the hub: what an inspection found, or a base's licence, is in it from the next answer on.
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
        "traits": {dimension.value: answer.value for dimension, answer in answers if answer.value is not None},
        "assessed_at": timezone.now(),
    }
    Openness.objects.update_or_create(model=model, defaults=columns)
