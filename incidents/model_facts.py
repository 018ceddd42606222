"""What the catalogue adds to a record's filters: licence, openness, formats and bases of the models it names.

Only for records in force, whose models are public with what their hubs say of them. It is what is known now: the
catalogue learns on, so that `incidents.refreshing` asks again.
"""

from collections.abc import Mapping
from typing import Any

from catalogue import lineage
from catalogue.models import Model, Snapshot
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
    if document["status"] == Status.WITHDRAWN:
        return set()
    named = {
        (model["hub"], model["name"].lower()): None
        for model in document["affected"]
        if model["hub"] and model["status"] != AffectedStatus.NOT_AFFECTED
    }
    known = {} if known is None else known
    pairs: set[Pair] = set()
    for key in list(named)[:MOST_MODELS]:
        if key not in known:
            known[key] = _facts(*key)
        pairs |= known[key]
    return pairs


def public_snapshot(model: Model) -> Snapshot | None:
    """What the hub last said, dated when it last said so; nothing of a private repository, which only we may see."""
    alias = find_alias(model.hub, model.name) if model.pk else None
    snapshot = confirmed_snapshot(alias, "") if alias else None
    return snapshot if snapshot and not snapshot.private else None


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
