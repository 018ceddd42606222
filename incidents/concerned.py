"""Which published records name which models of the catalogue, counted without reading a document."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.lineage import Path
from incidents.record import AffectedStatus, Kind, Status
from lib import reading

# Of %(models)s, by any name or the stable id; `concerned` unless every row of the record calls the model not affected.
# By name and by stable id apart, so that each half walks an index. For the beginning of a statement.
NAMED = """
WITH named AS (
    SELECT each.model, each.record, BOOL_OR(each.concerned) AS concerned FROM (
        SELECT alias.model_id AS model, affected.incident_id AS record, affected.status <> %(not_affected)s AS concerned
        FROM catalogue_alias alias
        JOIN incidents_affected affected ON affected.hub = alias.hub AND affected.name_key = alias.name_key
        WHERE alias.model_id = ANY(%(models)s)
      UNION ALL
        SELECT model.id, affected.incident_id, affected.status <> %(not_affected)s
        FROM catalogue_model model
        JOIN incidents_affected affected ON affected.hub = model.hub AND affected.stable_id = model.stable_id
        WHERE model.id = ANY(%(models)s)
    ) each
    JOIN incidents_fact fact ON fact.incident_id = each.record AND fact.status <> %(withdrawn)s
    GROUP BY each.model, each.record
)"""


@dataclass(frozen=True)
class Counted:
    """How many records in force concern a model, and how many of those are of the kind incident."""

    records: int = 0
    incidents: int = 0


_DIRECT = """
SELECT named.model, COUNT(*), COUNT(*) FILTER (WHERE fact.kind = %(incident)s)
FROM named JOIN incidents_fact fact ON fact.incident_id = named.record
WHERE named.concerned
GROUP BY named.model
"""
_INHERITED = """
, pair AS (SELECT * FROM unnest(%(children)s::bigint[], %(bases)s::bigint[]) AS pair(child, base))
SELECT found.child, COUNT(*), COUNT(*) FILTER (WHERE fact.kind = %(incident)s)
FROM (
    SELECT DISTINCT pair.child, named.record FROM pair JOIN named ON named.model = pair.base AND named.concerned
  EXCEPT
    SELECT named.model, named.record FROM named
) found
JOIN incidents_fact fact ON fact.incident_id = found.record
GROUP BY found.child
"""


def direct(models: Collection[int]) -> dict[int, Counted]:
    """By primary key: the records that name a model as concerned. One query."""
    rows = all_rows(NAMED + _DIRECT, values_for(models))
    return {model: Counted(*counts) for model, *counts in rows}


def inherited(above: Mapping[int, Mapping[int, Path]]) -> dict[int, Counted]:
    """By primary key: the records on a model's bases, but for those that name the model itself. One query.

    `above` are the bases of each model, as `catalogue.lineage.ancestors_of` gives them.
    """
    pairs = [(child, base) for child, bases in above.items() for base in bases]
    values = values_for({pk for pair in pairs for pk in pair})
    rows = all_rows(
        NAMED + _INHERITED,
        {**values, "children": [child for child, _ in pairs], "bases": [base for _, base in pairs]},
    )
    return {model: Counted(*counts) for model, *counts in rows}


def values_for(models: Collection[int]) -> dict[str, Any]:
    """The values that NAMED needs."""
    return {
        "models": sorted(models),
        "not_affected": AffectedStatus.NOT_AFFECTED,
        "withdrawn": Status.WITHDRAWN,
        "incident": Kind.INCIDENT,
    }


def all_rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a statement answers."""
    with reading.connection().cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
