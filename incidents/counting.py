"""How many records are wanted, and of which kinds: exact where that is cheap, else an estimate that says so.

All records in force are counted as they are published (`rollup`). What is rare is counted through the index (`exact`).
What is common is counted in a sample of the rows, drawn by blocks (PostgreSQL's TABLESAMPLE SYSTEM) and the same for
the same state of the log: its cost does not grow with the number of records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from incidents.connection import public_connection
from incidents.filters import Wanted, conditions
from incidents.tokens import Dimension, tokens_of

MOST_VALUES = 50
# Up to so many records each is counted for its facets; of more, so many.
MOST_EXACT, SAMPLED = 2000, 1000
# Rows of a sample, one after the other until one has enough; below so many hits a sample says too little.
_SAMPLES, _ENOUGH = (5_000, 50_000), 100
_FEW = 20_000

FACETS = {
    "status": Dimension.STATUS,
    "kind": Dimension.KIND,
    "category": Dimension.CATEGORY,
    "severity": Dimension.SEVERITY,
    "evidence_grade": Dimension.EVIDENCE_GRADE,
    "confidence": Dimension.CONFIDENCE,
    "hub": Dimension.HUB,
    "organisation": Dimension.ORGANISATION,
    "model": Dimension.MODEL,
    "base_model": Dimension.BASE_MODEL,
    "licence": Dimension.LICENCE,
    "openness": Dimension.OPENNESS,
    "format": Dimension.FORMAT,
    "term": Dimension.TERM,
    "origin": Dimension.ORIGIN,
}

_ROLLUP = """
SELECT facet.dimension, facet.value, facet.records FROM unnest(%(dimensions)s::smallint[]) AS wanted(dimension),
LATERAL (
    SELECT * FROM incidents_facetcount kept WHERE kept.dimension = wanted.dimension AND kept.records > 0
    ORDER BY kept.records DESC, kept.token LIMIT %(most)s
) AS facet
"""
_ROLLUP_OF = """
SELECT min(coalesce(records, 0)) FROM unnest(%s::bigint[]) AS wanted(token) LEFT JOIN incidents_facetcount USING (token)
"""
_TOTAL_ROLLUP = "SELECT coalesce(sum(records), 0) FROM incidents_facetcount WHERE dimension = %s"
_EXACT = "SELECT count(*) FROM incidents_searchrow WHERE {conditions}"
_SAMPLE = """
SELECT count(*), count(*) FILTER (WHERE {conditions})
FROM incidents_searchrow TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)
"""
_VALUES = """
WITH matching AS MATERIALIZED ({matching}), counted AS (
    SELECT token, count(*) AS records FROM matching, unnest(matching.tokens) AS token
    WHERE {dimensions} GROUP BY token
), ordered AS (
    SELECT *, row_number() OVER (PARTITION BY token >> 56 ORDER BY records DESC, token) AS place FROM counted
)
SELECT facet.dimension, facet.value, ordered.records, place FROM ordered
JOIN incidents_facetcount facet USING (token) WHERE place <= %(most)s
UNION ALL SELECT 0, '', count(*), 0 FROM matching ORDER BY 1, 4
"""
# Every so-many-th of what matches, by a number that has nothing to do with what is counted.
_MATCHING = """
SELECT tokens FROM incidents_searchrow {sample} WHERE {conditions} AND incident_id %% %(stride)s = 0
"""
_IN_SAMPLE = "TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)"


class Basis(StrEnum):
    """What a count rests on."""

    EXACT = "exact"
    ROLLUP = "rollup"
    SAMPLE = "sample"


@dataclass(frozen=True)
class Total:
    """How many records: counted, or estimated from a sample of so many percent of the rows, of which `hits` match."""

    value: int
    basis: Basis
    percent: float = 100.0
    hits: int = 0


@dataclass(frozen=True)
class Facet:
    """The most frequent values with their records, most first, and whether there are more values.

    With the basis `sample`, records are estimates for all that match, from `sampled` of them.
    """

    values: tuple[tuple[str, int], ...]
    basis: Basis
    more: bool
    sampled: int | None = None


def total(wanted: Wanted, *, number: int, head: int) -> Total:
    """How many records are wanted, as the log stood at `number`; `head` is its last entry."""
    if wanted.is_everything and number == head:
        return Total(_one(_TOTAL_ROLLUP, [Dimension.KIND.value]), Basis.ROLLUP)
    if head > _FEW and not _is_rare(wanted):
        for rows in _SAMPLES:
            if (found := _sampled(wanted, number, head, rows)) is not None:
                return found
            if _FEW * rows >= _ENOUGH * head:
                break  # What this sample missed is few enough for counting.
    held, values = conditions(wanted, number)
    return Total(_one(_EXACT.format(conditions=" AND ".join(held)), values), Basis.EXACT)


def facets(wanted: Wanted, names: Sequence[str], counted: Total, *, number: int) -> dict[str, Facet]:
    """The most frequent values by each of these names of FACETS; `counted` is what `total` said of the same records."""
    dimensions = {FACETS[name].value: name for name in names}
    if not dimensions:
        return {}
    if counted.basis is Basis.ROLLUP:
        rows, basis, looked_at = _rollup(list(dimensions)), Basis.ROLLUP, None
    else:
        stride = _stride(counted)
        rows, looked_at = _counted(wanted, list(dimensions), counted, number, stride)
        basis = Basis.SAMPLE if stride > 1 or counted.basis is Basis.SAMPLE else Basis.EXACT
    factor = counted.value / looked_at if looked_at and basis is Basis.SAMPLE else 1.0
    by_name: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for dimension, value, records in rows:
        by_name[dimensions[dimension]].append((value, round(records * factor)))
    sampled = looked_at if basis is Basis.SAMPLE else None
    return {
        name: Facet(tuple(found[:MOST_VALUES]), basis, len(found) > MOST_VALUES, sampled)
        for name, found in by_name.items()
    }


def records_by_value(dimension: Dimension) -> dict[str, int]:
    """The records in force of every value of a dimension that has few."""
    with public_connection().cursor() as cursor:
        cursor.execute(_ROLLUP, {"dimensions": [dimension.value], "most": 10_000})
        return {value: records for _, value, records in cursor.fetchall()}


def _is_rare(wanted: Wanted) -> bool:
    """Whether something that every record wanted has is rare: then no sample would find them."""
    return bool(wanted.tokens) and _one(_ROLLUP_OF, [list(wanted.tokens)]) <= _FEW


def _sampled(wanted: Wanted, number: int, head: int, rows: int) -> Total | None:
    """An estimate from so many rows; None where too few of them match."""
    # Every entry of the log has a row.
    percent = min(100.0 * rows / head, 100.0)
    held, values = conditions(wanted, number)
    with public_connection().cursor() as cursor:
        cursor.execute(_SAMPLE.format(conditions=" AND ".join(held)), {**values, "percent": percent})
        read, hits = cursor.fetchone()
    return Total(round(hits * head / read), Basis.SAMPLE, percent, hits) if hits >= _ENOUGH else None


def _rollup(dimensions: Sequence[int]) -> list[tuple[int, str, int]]:
    with public_connection().cursor() as cursor:
        cursor.execute(_ROLLUP, {"dimensions": list(dimensions), "most": MOST_VALUES + 1})
        return list(cursor.fetchall())


def _stride(counted: Total) -> int:
    """Of how many matching rows one is looked at."""
    at_hand = counted.hits if counted.basis is Basis.SAMPLE else counted.value
    return -(-at_hand // SAMPLED) if at_hand > MOST_EXACT or counted.basis is Basis.SAMPLE else 1


def _counted(
    wanted: Wanted, dimensions: Sequence[int], counted: Total, number: int, stride: int
) -> tuple[list[tuple[int, str, int]], int]:
    """Dimension, value and records, most first; and how many matching rows were looked at."""
    held, values = conditions(wanted, number)
    sample = _IN_SAMPLE if counted.basis is Basis.SAMPLE else ""
    ranges = [tokens_of(Dimension(dimension)) for dimension in dimensions]
    statement = _VALUES.format(
        matching=_MATCHING.format(sample=sample, conditions=" AND ".join(held)),
        dimensions=" OR ".join(f"(token >= {first} AND token < {end})" for first, end in ranges),
    )
    more = {"percent": counted.percent, "stride": stride, "most": MOST_VALUES + 1}
    with public_connection().cursor() as cursor:
        cursor.execute(statement, {**values, **more})
        (_, _, looked_at, _), *rows = cursor.fetchall()
    return [row[:3] for row in rows], looked_at


def _one(statement: str, values: list[Any] | dict[str, Any]) -> int:
    with public_connection().cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])
