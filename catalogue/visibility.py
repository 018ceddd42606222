"""Which models the public may see: those that records in force name, and the bases those derive from.

A flag on the model, so that a question about a model answers at the same cost whether nobody ever named it or only a
report that nobody has decided on.
"""

from collections.abc import Collection, Iterable, Sequence

from catalogue import concerns, inspections
from catalogue.lineage import ancestors, ancestors_of, descendants_of
from catalogue.models import Model, Snapshot
from lib.wake import wake


def settle(models: Iterable[Model], *, named: frozenset[int]) -> None:
    """Sets `watched` by whether the model is among `named`, and what follows for it and its bases."""
    settled = {model.pk: model for model in models}
    if not settled:
        return
    rows = Model.objects.filter(pk__in=settled)
    begun = rows.filter(pk__in=named, watched=False).order_by("pk").select_for_update()
    newly_watched = set(begun.values_list("pk", flat=True))
    rows.filter(pk__in=newly_watched).update(watched=True)
    rows.filter(watched=True).exclude(pk__in=named).update(watched=False)
    _show_or_not({*settled, *(base for bases in ancestors_of(settled).values() for base in bases)})
    _take_up([model for pk, model in settled.items() if pk in newly_watched])


def _show_or_not(models: Collection[int]) -> None:
    """Settles of these whether the public may see them."""
    below = descendants_of(models)
    known = set(models).union(*below.values())
    watched = set(Model.objects.filter(pk__in=known, watched=True).values_list("pk", flat=True))
    shown = {pk for pk in models if pk in watched or not watched.isdisjoint(below[pk])}
    Model.objects.filter(pk__in=shown, shown=False).update(shown=True)
    Model.objects.filter(pk__in=set(models) - shown, shown=True).update(shown=False)


def inherit(model: Model, *, watched: bool) -> None:
    """Names of a placeholder, `watched` or not, have come to the model: it is watched too, if either was."""
    if watched and Model.objects.filter(pk=model.pk, watched=False).update(watched=True, shown=True):
        _take_up([model])
    elif model.watched:
        concerns.note_look_alikes_of(model)


def _take_up(models: Sequence[Model]) -> None:
    """Models are watched from now on: their files are looked at soon, and their names are compared with all others."""
    # One that its hub has not described yet is looked at once it is.
    described = set(Snapshot.objects.filter(model__in=models).values_list("model", flat=True))
    for model in models:
        if model.pk in described:
            inspections.make_due(model)
            wake("model looked up")
    concerns.note_look_alikes_of(*models)


def follow_up(model: Model) -> None:
    """Shows the bases of a model that is shown: a lookup has just learnt of them."""
    if model.shown:
        Model.objects.filter(pk__in=ancestors(model), shown=False).update(shown=True)
