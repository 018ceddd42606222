"""Forgetting models that nobody names any more."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import ProtectedError

from catalogue.models import Lineage, Model, Snapshot


def forget_unless_known(models: Iterable[Model]) -> int:
    """Removes models, with all that hubs said of them, unless something else needs them; returns how many.

    Kept: what the public may see, what another model derives from, and whatever a row of another app names.
    """
    return sum(_forget(model) for model in sorted(set(models), key=lambda model: model.pk))


def _forget(model: Model) -> bool:
    row = Model.objects.select_for_update().filter(pk=model.pk, shown=False, watched=False).first()
    if row is None or Lineage.objects.filter(base__model=row).exclude(child=row).exists():
        return False
    try:
        with transaction.atomic():
            Snapshot.objects.filter(model=row).delete()
            row.delete()
    except ProtectedError:
        return False
    return True
