"""Which models the public may see: those that records in force name, and the bases those derive from.

A flag on the model, so that a question about a model answers at the same cost whether nobody ever named it or only a
report that nobody has decided on.
"""

from collections.abc import Iterable

from catalogue.lineage import ancestors, descendants
from catalogue.models import Model


def settle(models: Iterable[Model], *, named: frozenset[int]) -> None:
    """Sets `watched` by whether the model is among `named`, and what follows for it and its bases."""
    concerned: dict[int, Model] = {}
    for model in models:
        Model.objects.filter(pk=model.pk).update(watched=model.pk in named)
        concerned |= Model.objects.in_bulk([model.pk, *ancestors(model)])
    for model in concerned.values():
        model.refresh_from_db(fields=["watched"])
        below = Model.objects.filter(pk__in=descendants(model), watched=True)
        Model.objects.filter(pk=model.pk).update(shown=model.watched or below.exists())


def follow_up(model: Model) -> None:
    """Shows the bases of a model that is shown: a lookup has just learnt of them."""
    if model.shown:
        Model.objects.filter(pk__in=ancestors(model), shown=False).update(shown=True)
