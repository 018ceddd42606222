"""How many records are wanted, and of which kinds: exact where that is cheap, else an estimate that says so.

All records in force are counted as they are published (`rollup`). What is rare is counted through the index (`exact`).
What is common is counted in a sample of the rows, drawn by blocks (PostgreSQL's TABLESAMPLE SYSTEM) and the same for
the same state of the log: its cost does not grow with the number of records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from incidents.connection import public_connection
from incidents.filters import Wanted, conditions
from incidents.tokens import Dimension, tokens_of
from lib.intervals import poisson_interval

MOST_VALUES = 50
# Up to so many records each is looked into for facets; of more, about so many.
MOST_EXACT, SAMPLED = 2000, 1000
# Rows of a sample, one after the other until one has enough; below so many hits a sample says too little.
_SAMPLES, _ENOUGH = (5_000, 20_000, 80_000), 100
# So long a log is counted whole, and so many matches one by one: each costs what three or four rows of a sample do.
_SHORT, _FEW = 20_000, 5_000

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
    "file_format": Dimension.FORMAT,
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
_MATCHING = "SELECT {tokens} AS tokens, TRUE AS hit FROM incidents_searchrow WHERE {conditions}"
_DRAWN = """
SELECT {tokens} AS tokens, {conditions} AS hit
FROM incidents_searchrow TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)
"""
# One pass over the rows. Of many hits every so-many-th is looked into.
_COUNTED = """
WITH read AS MATERIALIZED ({rows}), size AS (
    SELECT count(*) AS rows, count(*) FILTER (WHERE hit) AS hits FROM read
), chosen AS (
    SELECT tokens FROM (SELECT tokens, row_number() OVER () AS place FROM read WHERE hit) AS matching, size
    WHERE place %% (CASE WHEN size.hits > %(exact)s THEN size.hits / %(sampled)s ELSE 1 END) = 0
), counted AS (
    SELECT token, count(*) AS records FROM chosen, unnest(chosen.tokens) AS token WHERE {dimensions} GROUP BY token
), ordered AS (
    SELECT *, row_number() OVER (PARTITION BY token >> 56 ORDER BY records DESC, token) AS place FROM counted
)
SELECT -3 AS dimension, '' AS value, rows AS records, 0 AS place FROM size
UNION ALL SELECT -2, '', hits, 0 FROM size
UNION ALL SELECT -1, '', count(*), 0 FROM chosen
UNION ALL
SELECT facet.dimension, facet.value, ordered.records, place FROM ordered
JOIN incidents_facetcount facet USING (token) WHERE place <= %(most)s
ORDER BY 1, 4
"""


class Basis(StrEnum):
    """What a count rests on."""

    EXACT = "exact"
    ROLLUP = "rollup"
    SAMPLE = "sample"


@dataclass(frozen=True)
class Facet:
    """The most frequent values with their records, most first, and whether there are more values.

    With the basis `sample`, records are estimates for all that match, from `sampled` of them.
    """

    values: tuple[tuple[str, int], ...]
    basis: Basis
    more: bool
    sampled: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many records are wanted, what that rests on, and their facets by name."""

    total: int
    basis: Basis
    facets: Mapping[str, Facet]


@dataclass(frozen=True)
class _Read:
    """What one pass saw: rows, hits among them, and so many hits looked into: dimension, value and records of each."""

    rows: int
    hits: int
    looked_into: int
    values: Sequence[tuple[int, str, int]]


def count(wanted: Wanted, names: Sequence[str] = (), *, number: int, head: int) -> Counts:
    """How many records are wanted as the log stood at `number`, and their facets by `names` of FACETS.

    `head` is the last entry of the log.
    """
    if wanted.is_everything and number == head:
        return _rollup(names)
    if head > _SHORT and not _is_rare(wanted):
        for rows in _SAMPLES:
            # Every entry of the log has a row.
            read = _read(wanted, number, names, percent=min(100.0 * rows / head, 100.0))
            if read.hits >= _ENOUGH:
                total = round(read.hits * head / read.rows)
                return Counts(total, Basis.SAMPLE, _facets(names, read, total, Basis.SAMPLE))
            if poisson_interval(read.hits)[1] * head <= _FEW * read.rows:
                break  # However unlucky this sample was, there are few enough for counting.
    read = _read(wanted, number, names)
    basis = Basis.EXACT if read.looked_into == read.hits else Basis.SAMPLE
    return Counts(read.hits, Basis.EXACT, _facets(names, read, read.hits, basis))


def records_by_value(dimension: Dimension) -> dict[str, int]:
    """The records in force of every value of a dimension that has few."""
    return {value: records for _, value, records in _kept([dimension.value], most=10_000)}


def _is_rare(wanted: Wanted) -> bool:
    """Whether something that every record wanted has is rare: then no sample would find them."""
    if not wanted.tokens:
        return False
    with public_connection().cursor() as cursor:
        cursor.execute(_ROLLUP_OF, [list(wanted.tokens)])
        return bool(cursor.fetchone()[0] <= _FEW)


def _rollup(names: Sequence[str]) -> Counts:
    with public_connection().cursor() as cursor:
        cursor.execute(_TOTAL_ROLLUP, [Dimension.KIND.value])
        total = int(cursor.fetchone()[0])
    values = _kept([FACETS[name].value for name in names], most=MOST_VALUES + 1) if names else []
    return Counts(total, Basis.ROLLUP, _facets(names, _Read(total, total, total, values), total, Basis.ROLLUP))


def _kept(dimensions: list[int], *, most: int) -> list[tuple[int, str, int]]:
    with public_connection().cursor() as cursor:
        cursor.execute(_ROLLUP, {"dimensions": dimensions, "most": most})
        return list(cursor.fetchall())


def _read(wanted: Wanted, number: int, names: Sequence[str], percent: float | None = None) -> _Read:
    """One pass over all that match, or over so many percent of all rows."""
    held, values = conditions(wanted, number, each=percent is not None)
    ranges = [tokens_of(FACETS[name]) for name in names]
    rows = (_MATCHING if percent is None else _DRAWN).format(
        conditions=" AND ".join(held), tokens="tokens" if names else "NULL::bigint[]"
    )
    dimensions = " OR ".join(f"(token >= {first} AND token < {end})" for first, end in ranges)
    statement = _COUNTED.format(rows=rows, dimensions=dimensions or "FALSE")
    more = {"percent": percent, "exact": MOST_EXACT, "sampled": SAMPLED, "most": MOST_VALUES + 1}
    with public_connection().cursor() as cursor:
        cursor.execute(statement, {**values, **more})
        (*_, read, _), (*_, hits, _), (*_, looked_into, _), *found = cursor.fetchall()
    return _Read(read, hits, looked_into, [row[:3] for row in found])


def _facets(names: Sequence[str], read: _Read, total: int, basis: Basis) -> dict[str, Facet]:
    factor = total / read.looked_into if basis is Basis.SAMPLE and read.looked_into else 1.0
    found: dict[int, list[tuple[str, int]]] = {FACETS[name].value: [] for name in names}
    for dimension, value, records in read.values:
        found[dimension].append((value, round(records * factor)))
    sampled = read.looked_into if basis is Basis.SAMPLE else None
    return {
        name: Facet(tuple(rows[:MOST_VALUES]), basis, len(rows) > MOST_VALUES, sampled)
        for name, rows in ((name, found[FACETS[name].value]) for name in names)
    }
