"""Which models the public may see: those that records in force name, and the bases those derive from.

A flag on the model, so that a question about a model answers at the same cost whether nobody ever named it or only a
report that nobody has decided on.
"""

from collections.abc import Iterable

from catalogue import concerns, inspections
from catalogue.lineage import ancestors, descendants
from catalogue.models import Model
from lib.wake import wake


def settle(models: Iterable[Model], *, named: frozenset[int]) -> None:
    """Sets `watched` by whether the model is among `named`, and what follows for it and its bases."""
    concerned: dict[int, Model] = {}
    newly_watched = []
    for model in models:
        is_named = model.pk in named
        if Model.objects.filter(pk=model.pk, watched=not is_named).update(watched=is_named) and is_named:
            newly_watched.append(model)
        concerned |= Model.objects.in_bulk([model.pk, *ancestors(model)])
    for model in concerned.values():
        model.refresh_from_db(fields=["watched"])
        below = Model.objects.filter(pk__in=descendants(model), watched=True)
        Model.objects.filter(pk=model.pk).update(shown=model.watched or below.exists())
    for model in newly_watched:
        _take_up(model)


def inherit(model: Model, *, watched: bool) -> None:
    """Names of a placeholder, `watched` or not, have come to the model: it is watched too, if either was."""
    if watched and Model.objects.filter(pk=model.pk, watched=False).update(watched=True, shown=True):
        _take_up(model)
    elif model.watched:
        concerns.note_look_alikes_of(model)


def _take_up(model: Model) -> None:
    """A model is watched from now on: its files are looked at soon, and its names are compared with all others."""
    # One that its hub has not described yet is looked at once it is.
    if model.snapshots.exists():
        inspections.make_due(model)
        wake("model looked up")
    concerns.note_look_alikes_of(model)


def follow_up(model: Model) -> None:
    """Shows the bases of a model that is shown: a lookup has just learnt of them."""
    if model.shown:
        Model.objects.filter(pk__in=ancestors(model), shown=False).update(shown=True)
