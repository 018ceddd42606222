"""Counts of published records by any two dimensions and over time, as of one entry of the log.

The unit is the event: records that share an id in another database, directly or through a third, are on one event and
count once in every cell that any of them stands in. Only records of the kind `incident` are incidents. A dimension with
several values in a record (`hub`, `organisation`, `licence`, `openness.*`) counts it under each, so that such cells add
up to more than the total; a record without a value is counted under null.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext
from psycopg.errors import QueryCanceled

from catalogue.openness import Dimension as Openness
from incidents.record import AffectedStatus, Confidence, EvidenceGrade, Kind, Severity, Status
from incidents.taxonomy import category_codes, with_descendants

Value = str | None

# The most values of a dimension in one answer; those with the most events are told, and how many are left out.
MOST_VALUES = 200
MOST_CELLS = 20_000
MOST_MILLISECONDS = 10_000
ANY = "any"

_SCALARS = ("category", "kind", "severity", "evidence_grade", "confidence", "status", "origin")
_LISTS = {"hub": "hubs", "organisation": "organisations", "licence": "licences"}
_PERIODS = {
    "published_year": "fact.published / 100",
    "published_quarter": "fact.published / 100 * 10 + (fact.published %% 100 + 2) / 3",
    "published_month": "fact.published",
    "occurred_year": "fact.occurred_year::int",
    "occurred_quarter": "fact.occurred_year::int * 10 + (fact.occurred_month + 2) / 3",
    "occurred_month": "fact.occurred_year::int * 100 + fact.occurred_month",
}
_OPENNESS = {f"openness.{dimension.value}": dimension for dimension in Openness}
PERIODS = frozenset(_PERIODS)
DIMENSIONS = (*_SCALARS, *_LISTS, *_PERIODS, *_OPENNESS)
MOST_DIMENSIONS = 2  # and one period beside them

FILTERS: Mapping[str, str] = {
    "category": "A term of the taxonomy `faultline`; its children are included.",
    "kind": "incident, hazard, exercise, measurement or any; without it incident, or any where it is a dimension.",
    "severity": "unknown, negligible, low, moderate, high or critical.",
    "evidence_grade": "claim, documented, reproduced or confirmed.",
    "confidence": "low, medium or high.",
    "status": "published, disputed, withdrawn or any; without it, published and disputed.",
    "origin": "The node that published the record.",
    "hub": "For example huggingface.",
    "organisation": "hub/organisation, letter case aside.",
    "licence": "As the publisher claimed it when the record was published, letter case aside.",
    "published": "A year or a month, as 2026 or 2026-03.",
    "occurred": "A year or a month, as 2026 or 2026-03.",
}
_ALLOWED: Mapping[str, Sequence[str]] = {
    "kind": [*Kind, ANY],
    "severity": list(Severity),
    "evidence_grade": list(EvidenceGrade),
    "confidence": list(Confidence),
    "status": [*Status, ANY],
}


class BadQueryError(ValueError):
    """What was asked cannot be counted; the message says why."""


class TooMuchWorkError(RuntimeError):
    """Counting took longer than a reader may keep the database busy."""


@dataclass(frozen=True)
class Query:
    """What is counted: `by` are names of DIMENSIONS, `filters` those of FILTERS; made by `query_of`."""

    by: tuple[str, ...]
    filters: Mapping[str, str]
    values: int = 50  # the most of each dimension that are told apart


@dataclass(frozen=True)
class Cell:
    """Counts under one value of each dimension, in the order of the query's `by`; None where a record has no value."""

    values: tuple[Value, ...]
    events: int
    records: int


@dataclass(frozen=True)
class Counts:
    """The cells that are not empty, ordered by value, and the counts of all together, which is no sum of cells.

    `omitted` says of a dimension how many further values were counted and are not among the cells.
    """

    log_number: int
    events: int
    records: int
    cells: tuple[Cell, ...]
    omitted: Mapping[str, int] = field(default_factory=dict)


def query_of(by: Sequence[str], filters: Mapping[str, str], *, values: int = 50) -> Query:
    """The query with what it leaves unsaid made explicit. Raises BadQueryError."""
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise BadQueryError(
            gettext("there is no dimension %(unknown)r; there are %(dimensions)s")
            % {"unknown": unknown[0], "dimensions": ", ".join(DIMENSIONS)}
        )
    periods = [name for name in by if name in PERIODS]
    if len(set(by)) < len(by) or len(by) > MOST_DIMENSIONS + 1 or (len(by) > MOST_DIMENSIONS and len(periods) != 1):
        raise BadQueryError(gettext("by names up to two different dimensions, and one period beside them"))
    if sum(name in _OPENNESS for name in by) > 1:
        raise BadQueryError(gettext("by names one dimension of openness at a time"))
    given = {name: value.lower() if name in {"organisation", "licence"} else value for name, value in filters.items()}
    for name, value in given.items():
        _refuse_unknown(name, value)
    given.setdefault("kind", ANY if "kind" in by else Kind.INCIDENT.value)
    if "status" in by:
        given.setdefault("status", ANY)
    return Query(tuple(by), dict(sorted(given.items())), min(max(values, 1), MOST_VALUES))


def _refuse_unknown(name: str, value: str) -> None:
    if name in _ALLOWED and value not in _ALLOWED[name]:
        raise BadQueryError(
            gettext("%(name)s is one of %(values)s") % {"name": name, "values": ", ".join(_ALLOWED[name])}
        )
    if name == "category" and value not in category_codes():
        raise BadQueryError(gettext("category is a term of the taxonomy faultline"))
    if name in {"published", "occurred"}:
        _period(name, value)


def _period(name: str, text: str) -> tuple[int, int | None]:
    """A year, and a month or None."""
    found = re.fullmatch(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?", text)
    if found is None:
        raise BadQueryError(gettext("%(name)s is a year or a month, as 2026 or 2026-03") % {"name": name})
    return int(found[1]), int(found[2]) if found[2] else None


def count(query: Query) -> Counts:
    """Counts. One statement, so that cells, totals and the log's number are of one moment.

    Raises BadQueryError where there are more than MOST_CELLS, and TooMuchWorkError after MOST_MILLISECONDS.
    """
    (number, events, records, *omitted), *rows = _rows(*_statement(query))
    if len(rows) > MOST_CELLS:
        raise BadQueryError(
            gettext("there are more than %(most)s cells: ask for fewer values, or filter") % {"most": MOST_CELLS}
        )
    cells = [Cell(tuple(map(_written, query.by, found)), events, records) for _, events, records, *found in rows]
    cells.sort(key=lambda cell: [(value is None, value or "") for value in cell.values])
    left_out = {name: int(left) for name, left in zip(query.by, omitted, strict=True) if int(left)}
    return Counts(number, events, records, tuple(cells), left_out)


_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute(_TIMEOUT, [str(MOST_MILLISECONDS)])
            cursor.execute(statement, values)
            rows = list(cursor.fetchall())
            cursor.execute(_TIMEOUT, [before])  # of a transaction around this one, if there is one
            return rows
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooMuchWorkError("this takes too long to count: filter it") from error
        raise


def _written(dimension: str, value: str | None) -> Value:
    if not value:
        return None
    if dimension.endswith("_quarter"):
        return f"{value[:-1]:0>4}-Q{value[-1]}"
    if dimension.endswith("_month"):
        return f"{value[:-2]:0>4}-{value[-2:]}"
    return f"{value:0>4}" if dimension in PERIODS else value


# The records are read once and grouped as they are: lists of values are taken apart only then. A record that shares its
# event with others is counted once for all of them; whoever is alone has no event.
_STATEMENT = """
WITH grouped AS (
    SELECT {raw} fact.event, COUNT(*) AS records
    FROM incidents_fact fact {joins}
    WHERE {conditions}
    GROUP BY {places} fact.event
),
cells AS (
    SELECT {names} SUM(CASE WHEN event IS NULL THEN records ELSE 1 END) AS events, SUM(records) AS records
    FROM (
        SELECT {values} grouped.event, SUM(grouped.records) AS records
        FROM grouped {unnests}
        GROUP BY {places} grouped.event
    ) each {grouping}
),
{tops}
total AS (
    SELECT COALESCE(SUM(records) FILTER (WHERE event IS NULL), 0) + COUNT(DISTINCT event) AS events,
        COALESCE(SUM(records), 0) AS records
    FROM grouped
)
SELECT (SELECT COALESCE(MAX(number), 0) FROM incidents_publication), total.events::bigint, total.records::bigint
    {omitted}
FROM total
UNION ALL
(SELECT NULL, cells.events::bigint, cells.records::bigint {texts} FROM cells {kept} LIMIT %(most_cells)s)
"""

# NULL, the values that are not known, is always told and never counted as one of the most frequent.
_TOP = """
top{place} AS (
    SELECT {name} AS value FROM cells WHERE {name} IS NOT NULL
    GROUP BY {name} ORDER BY SUM(events) DESC, {name} LIMIT %(most_values)s
),"""
_LEFT_OUT = """, ((SELECT COUNT(DISTINCT {name}) FROM cells) - (SELECT COUNT(*) FROM top{place}))::text"""

_TRAITS = """
LEFT JOIN (
    SELECT affected.incident_id AS record, array_agg(DISTINCT openness.traits->>%(trait)s) AS values
    FROM incidents_affected affected
    JOIN catalogue_alias alias ON alias.hub = affected.hub AND LOWER(alias.name) = affected.name_key
    JOIN catalogue_model model ON model.id = alias.model_id AND model.shown
    JOIN catalogue_openness openness ON openness.model_id = model.id AND openness.traits ? %(trait)s
    WHERE affected.status <> %(not_affected)s
    GROUP BY affected.incident_id
) trait ON trait.record = fact.incident_id"""


def _statement(query: Query) -> tuple[str, dict[str, Any]]:
    """The statement and its values. Every name in it is one of this module's own."""
    values: dict[str, Any] = {
        "most_values": query.values,
        "most_cells": MOST_CELLS + 1,
        "not_affected": AffectedStatus.NOT_AFFECTED,
        "withdrawn": Status.WITHDRAWN,
    }
    conditions = [condition for name, value in query.filters.items() for condition in _condition(name, value, values)]
    if "status" not in query.filters:
        conditions.append("fact.status <> %(withdrawn)s")
    dimensions = [_dimension(name, values) for name in query.by]
    places = range(len(dimensions))
    names = [f"value{place}" for place in places]
    limited = [place for place in places if query.by[place] not in PERIODS]
    kept = [f"(value{place} IS NULL OR value{place} IN (SELECT value FROM top{place}))" for place in limited]  # noqa: S608
    statement = _STATEMENT.format(
        raw=_listed(f"{dimension.expression} AS raw{place}" for place, dimension in enumerate(dimensions)),
        joins=" ".join(dimension.join for dimension in dimensions),
        conditions=" AND ".join(conditions or ["TRUE"]),
        places=_listed(str(place + 1) for place in places),
        names=_listed(names),
        values=_listed(
            f"each{place}.value AS value{place}" if dimension.is_list else f"grouped.raw{place} AS value{place}"
            for place, dimension in enumerate(dimensions)
        ),
        unnests=" ".join(
            f"LEFT JOIN LATERAL unnest(grouped.raw{place}) AS each{place}(value) ON TRUE"
            for place, dimension in enumerate(dimensions)
            if dimension.is_list
        ),
        grouping=f"GROUP BY {', '.join(names)}" if names else "",
        tops="".join(_TOP.format(place=place, name=names[place]) for place in limited),
        omitted="".join(
            _LEFT_OUT.format(place=place, name=names[place]) if place in limited else ", '0'" for place in places
        ),
        texts="".join(f", {name}::text" for name in names),
        kept=f"WHERE {' AND '.join([*kept, 'TRUE'])}" if names else "WHERE FALSE",
    )
    return statement, values


def _listed(parts: Iterable[str]) -> str:
    return "".join(f"{part}, " for part in parts)


@dataclass(frozen=True)
class _Dimension:
    """The expression of a dimension, whether it is a list of values, and the join it needs."""

    expression: str
    is_list: bool = False
    join: str = ""


def _dimension(name: str, values: dict[str, Any]) -> _Dimension:
    if name in _LISTS:
        return _Dimension(f"fact.{_LISTS[name]}", is_list=True)
    if name in _OPENNESS:
        values["trait"] = _OPENNESS[name].value
        return _Dimension("trait.values", is_list=True, join=_TRAITS)
    return _Dimension(_PERIODS.get(name, f"fact.{name}"))


def _condition(name: str, value: str, values: dict[str, Any]) -> list[str]:
    """What a filter asks of a row, its value put among `values`."""
    if value == ANY and name in {"kind", "status"}:
        return []
    values[name] = value
    if name in _LISTS:
        values[name] = [value]
        return [f"fact.{_LISTS[name]} @> %({name})s::varchar[]"]
    if name == "category":
        values[name] = sorted(with_descendants(value))
        return ["fact.category = ANY(%(category)s)"]
    if name in {"published", "occurred"}:
        return _in_period(name, value, values)
    return [f"fact.{name} = %({name})s"]


def _in_period(name: str, value: str, values: dict[str, Any]) -> list[str]:
    year, month = _period(name, value)
    if name == "published":
        values["first"], values["last"] = year * 100 + (month or 1), year * 100 + (month or 12)
        return ["fact.published BETWEEN %(first)s AND %(last)s"]
    values["year"], values["month"] = year, month
    return ["fact.occurred_year = %(year)s", *(["fact.occurred_month = %(month)s"] if month else [])]
