"""Which model derives from which: claims as edges, and walks over them that no cycle can hold up."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone

from catalogue.hub import BaseModelClaim, Reference
from catalogue.models import Lineage, Model
from catalogue.naming import name_model
from lib import reading

# Every edge on the way, once each and however many start below it: UNION drops what was seen, so a cycle ends by itself
# and a tree of n edges costs n.
_UP = """
WITH RECURSIVE edge(near, far, relation) AS (
    SELECT line.child_id, alias.model_id, line.relation
    FROM catalogue_lineage line JOIN catalogue_alias alias ON alias.id = line.base_id
    WHERE line.ended_at IS NULL AND line.child_id = ANY(%s)
  UNION
    SELECT edge.far, line.model_id, line.relation FROM edge, LATERAL (
        SELECT alias.model_id, line.relation
        FROM catalogue_lineage line JOIN catalogue_alias alias ON alias.id = line.base_id
        WHERE line.child_id = edge.far AND line.ended_at IS NULL OFFSET 0
    ) AS line
)
SELECT near, far, relation FROM edge
"""
_DOWN = """
WITH RECURSIVE edge(near, far, relation) AS (
    SELECT alias.model_id, line.child_id, line.relation
    FROM catalogue_alias alias JOIN catalogue_lineage line ON line.base_id = alias.id
    WHERE line.ended_at IS NULL AND alias.model_id = ANY(%s)
  UNION
    SELECT alias.model_id, line.child_id, line.relation
    FROM edge
    JOIN catalogue_alias alias ON alias.model_id = edge.far
    JOIN catalogue_lineage line ON line.base_id = alias.id AND line.ended_at IS NULL
)
SELECT near, far, relation FROM edge
"""


class Path(NamedTuple):
    """A shortest way from a model to a relative: primary keys from the first to the last, and the relations between."""

    models: tuple[int, ...]
    relations: tuple[str, ...]


def keep_claims(child: Model, claims: Sequence[BaseModelClaim], claimed_by: str) -> None:
    """Makes the child's edges what is claimed now: new ones begin, absent ones end, the rest stands."""
    # In one order for all who name models at the same time, so that nobody deadlocks.
    ordered = sorted(claims, key=lambda claim: claim.name.lower())
    wanted = {name_model(Reference(child.hub, claim.name)).pk: claim.relation for claim in ordered}
    standing = {line.base_id: line for line in Lineage.objects.filter(child=child, ended_at=None)}
    over = [line.pk for base, line in standing.items() if wanted.get(base) != line.relation]
    Lineage.objects.filter(pk__in=over).update(ended_at=timezone.now())
    Lineage.objects.bulk_create(
        Lineage(child=child, base_id=base, relation=relation, claimed_by=claimed_by)
        for base, relation in wanted.items()
        if base not in standing or standing[base].pk in over
    )


def ancestors(model: Model) -> dict[int, Path]:
    """Every model above, by primary key, with a shortest path to it; the model itself left out. One query."""
    return _paths(_UP, [model.pk])[model.pk]


def ancestors_of(models: Collection[int]) -> dict[int, dict[int, Path]]:
    """`ancestors` of each of many models, by primary key. One query."""
    return _paths(_UP, models)


def descendants(model: Model) -> dict[int, Path]:
    """Every model below, by primary key, with a shortest path to it; the model itself left out. One query."""
    return _paths(_DOWN, [model.pk])[model.pk]


def descendants_of(models: Collection[int]) -> dict[int, dict[int, Path]]:
    """`descendants` of each of many models, by primary key. One query."""
    return _paths(_DOWN, models)


def _paths(query: str, roots: Collection[int]) -> dict[int, dict[int, Path]]:
    with reading.connection().cursor() as cursor:
        cursor.execute(query, [list(roots)])
        edges = cursor.fetchall()
    nearby: dict[int, list[tuple[int, str]]] = {}
    for near, far, relation in edges:
        nearby.setdefault(near, []).append((far, relation))
    return {root: _shortest(root, nearby) for root in roots}


def _shortest(root: int, nearby: Mapping[int, list[tuple[int, str]]]) -> dict[int, Path]:
    found = {root: Path((root,), ())}
    queue = deque([root])
    while queue:
        here = queue.popleft()
        for far, relation in nearby.get(here, ()):
            if far not in found:
                found[far] = Path((*found[here].models, far), (*found[here].relations, relation))
                queue.append(far)
    del found[root]
    return found
