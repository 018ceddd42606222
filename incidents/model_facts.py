"""What the catalogue adds to a record's filters: licence, openness, formats and bases of the models it names.

Only for records in force, whose models are public with what their hubs say of them. It is what is known now: the
catalogue learns on, so that `incidents.refreshing` asks again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from catalogue import lineage
from catalogue.models import Alias, Lineage, Model, Snapshot
from catalogue.naming import find_alias
from catalogue.openness import Dimension as Openness
from catalogue.profiles import profile_of
from catalogue.snapshots import confirmed_snapshot
from incidents.record import AffectedStatus, Status
from incidents.tokens import Dimension, Pair, licence_pairs

# A record that names more models is filtered by the first of them; a model, by its nearest bases.
MOST_MODELS, MOST_BASES = 50, 100

Known = dict[tuple[str, str], set[Pair]]


def facts_of(document: Mapping[str, Any], known: Known | None = None) -> set[Pair]:
    """What the catalogue knows of the affected models; `known` keeps each model's for the next record."""
    known = {} if known is None else known
    pairs: set[Pair] = set()
    for key in _named(document):
        if key not in known:
            known[key] = _facts(*key)
        pairs |= known[key]
    return pairs


def note_strangers(known: Known, documents: Iterable[Mapping[str, Any]]) -> None:
    """Notes, by one question for all, of which of the models named the catalogue knows the name at most."""
    named = {key for document in documents for key in _named(document)} - known.keys()
    hubs, names = {hub for hub, _ in named}, {name for _, name in named if "\x00" not in name}
    described = Exists(Snapshot.objects.filter(model=OuterRef("model")))
    derived = Exists(Lineage.objects.filter(child=OuterRef("model"), ended_at=None))
    bare = ~described & ~derived & Q(model__name_key=F("name_key"))
    rows = Alias.objects.filter(hub__in=hubs, name_key__in=names).annotate(bare=bare)
    found = {
        (hub, name): {(Dimension.BASE_MODEL, spelled)} if is_bare else None
        for hub, name, spelled, is_bare in rows.values_list("hub", "name_key", "model__name", "bare")
    }
    known.update({key: facts for key in named if (facts := found.get(key, set())) is not None})


def public_snapshot(model: Model) -> Snapshot | None:
    """What the hub last said, dated when it last said so; nothing of a private repository, which only we may see."""
    alias = find_alias(model.hub, model.name) if model.pk else None
    snapshot = confirmed_snapshot(alias, "") if alias else None
    return snapshot if snapshot and not snapshot.private else None


def _named(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Hubs and names, without letter case, of the models that the catalogue is asked about."""
    if document["status"] == Status.WITHDRAWN:
        return []
    named = {
        (model["hub"], model["name"].lower()): None
        for model in document["affected"]
        if model["hub"] and model["status"] != AffectedStatus.NOT_AFFECTED
    }
    return list(named)[:MOST_MODELS]


def _facts(hub: str, name: str) -> set[Pair]:
    alias = find_alias(hub, name)
    if alias is None:
        return set()
    snapshot = public_snapshot(alias.model)
    said = licence_pairs(snapshot.licence) | _openness(alias.model) if snapshot else set()
    return said | _bases(alias.model)


def _openness(model: Model) -> set[Pair]:
    profile = profile_of(model)
    if profile is None:
        return set()
    traits = {(Dimension.OPENNESS, f"{one.value}:{got.value}") for one, got in profile.answers.items() if got.value}
    return traits | {(Dimension.FORMAT, one) for one in profile.answers[Openness.FORMATS].named}


def _bases(model: Model) -> set[Pair]:
    """By the names that hubs use now: the model itself and what it derives from."""
    above = sorted(lineage.ancestors(model).items(), key=lambda one: len(one[1].relations))[:MOST_BASES]
    names = Model.objects.filter(pk__in=[model.pk, *(pk for pk, _ in above)]).values_list("name", flat=True)
    return {(Dimension.BASE_MODEL, name) for name in names}
