"""Forgetting models that nobody names any more."""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import ProtectedError

from catalogue.models import Drift, Lineage, Model, RawAnswer, Snapshot


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
            _allow_forgetting(row)
            RawAnswer.objects.filter(snapshot__model=row).delete()
            Snapshot.objects.filter(model=row).delete()
            Drift.objects.filter(model=row).delete()
            row.delete()
            _allow_forgetting(None)
    except ProtectedError:
        return False
    return True


def _allow_forgetting(model: Model | None) -> None:
    """Tells the triggers on append-only tables, until the transaction ends, whose rows may go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('faultline.forgetting', %s, true)", [str(model.pk) if model else ""])
