"""Pages of records in any order, each at a bounded cost, and walks that neither skip nor repeat.

A page looks at the record as it stood at one number of the log; its cursor carries that number, so that a walk sees one
state, whatever is published meanwhile.

A page is found in one of three ways, tried in turn. What is common: a short walk along the order's index from the
cursor. What is rare: the index of tokens and words, and sorting. What turns out to be neither, such as words that were
common once, or common ones that never meet: day after day, as far as the page needs. How rare something is, the
planner's statistics say; which way is taken is not left to it, as it cannot know that two common values never meet.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from incidents import days
from incidents.connection import rows
from incidents.filters import Wanted, conditions
from incidents.position import known_head
from incidents.record import Record
from lib.cursors import read_cursor, write_cursor

MOST_PER_PAGE = 500
# By relevance: only among the newest of what matches.
MOST_RANKED = 1000
# Rows of the order's index that are walked for each row of the page, at least, and at most.
_NEAR_FOR_EACH, _LEAST_NEAR, _MOST_NEAR = 40, 2_000, 4_000
# More rows than that are not sorted; where more than the second are to be expected, nobody begins to.
_FAR, _EXPECTED = 30_000, 5_000
FIELDS = tuple(sorted(field.alias or name for name, field in Record.model_fields.items()))


class Sort(StrEnum):
    """What a list is ordered by."""

    PUBLISHED = "published"
    MODIFIED = "modified"
    OCCURRED = "occurred"
    SEVERITY = "severity"
    RELEVANCE = "relevance"


# Each ends in what no two records share, and is an index.
_KEYS: dict[Sort, tuple[str, ...]] = {
    Sort.PUBLISHED: ("published_at", "incident_id"),
    Sort.MODIFIED: ("modified_at", "incident_id"),
    Sort.OCCURRED: ("occurred_first", "incident_id"),
    Sort.SEVERITY: ("severity", "published_at", "incident_id"),
    Sort.RELEVANCE: ("rank", "published_at", "incident_id"),
}
_TYPES = {
    "published_at": "timestamptz",
    "modified_at": "timestamptz",
    "occurred_first": "date",
    "severity": "smallint",
    "rank": "float8",
    "incident_id": "bigint",
}

_ALL = """
found AS (
    SELECT {keys}, number FROM incidents_searchrow WHERE {start} AND {held} ORDER BY {order} LIMIT {rows}
)
"""
_NEAR = """
found AS (
    SELECT {keys}, number FROM (
        SELECT * FROM incidents_searchrow WHERE {start} ORDER BY {order} LIMIT {near}
    ) AS walked WHERE {held} ORDER BY {order} LIMIT {rows}
)
"""
# They test the rows of an index one after the other; the planner has nothing to choose.
_WALKS = frozenset({_ALL, _NEAR})
_SORTED = """
matching AS MATERIALIZED (
    SELECT {keys}, number FROM incidents_searchrow WHERE {start} AND {held} LIMIT {far} + 1
), found AS (
    SELECT * FROM matching ORDER BY {order} LIMIT {rows}
)
"""
_BY_DAY = """
found AS (
    SELECT there.* FROM ({steps}) AS step, LATERAL (
        SELECT {keys}, number FROM incidents_searchrow row WHERE {of_step} AND {start} AND {held} OFFSET 0
    ) AS there ORDER BY {by_step}, {within} LIMIT {rows}
)
"""
_RANKED = """
, ranked AS (
    SELECT ts_rank(row.words, websearch_to_tsquery('english', %(q)s))::float8 AS rank,
        row.published_at, row.incident_id, row.number
    FROM found JOIN incidents_searchrow row USING (number)
)
"""
_COUNTED = "(SELECT count(*) FROM {counted})"
_DOCUMENTS = """
WITH {found} {ranked}
SELECT {document} AS document, CASE WHEN place = {limit} THEN json_build_array({last})::text END AS last, {seen} AS seen
FROM (
    SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM {source} WHERE {start}
    ORDER BY {order} LIMIT {limit} + 1
) AS page JOIN incidents_publication entry USING (number) ORDER BY {in_page}
"""
# `json`, not `jsonb`: it keeps the bytes of every value.
_CHOSEN = """(
    SELECT convert_to('{' || string_agg(to_json(key)::text || ':' || value::text, ',' ORDER BY place) || '}', 'UTF8')
    FROM json_each(convert_from(entry.document, 'UTF8')::json) WITH ORDINALITY AS member(key, value, place)
    WHERE key = ANY(%(fields)s)
)"""
_EXPLAINED = "EXPLAIN (FORMAT JSON) SELECT FROM incidents_searchrow WHERE {start} AND {held}"


@dataclass(frozen=True)
class Order:
    """What a list is ordered by, and whether the greatest comes first."""

    sort: Sort = Sort.PUBLISHED
    descending: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that it orders by."""
        return _KEYS[self.sort]

    def as_sql(self, row: str = "") -> str:
        """For ORDER BY."""
        return ", ".join(f"{row}{key} {'DESC' if self.descending else 'ASC'}" for key in self.keys)


@dataclass(frozen=True)
class Page:
    """Documents in their order, each its bytes, the state of the log they stood in, and the next cursor ("": none)."""

    documents: list[bytes]
    number: int
    next: str


NEWEST_FIRST = Order()


def find(
    wanted: Wanted,
    *,
    number: int,
    order: Order = NEWEST_FIRST,
    after: str = "",
    limit: int = 50,
    fields: Sequence[str] = (),
) -> Page:
    """The page of records wanted that follows the cursor `after`, as the log stood at `number` or at the cursor's.

    With `fields`, documents have only these members. Raises BadCursorError.
    """
    walk = f"incidents {wanted} {order}"
    number, *keys = read_cursor(walk, after) if after else (number,)
    found = _found(_Search(wanted, order, _Place(number, tuple(keys)), limit, fields)).rows
    following = write_cursor(walk, number, *json.loads(found[limit - 1].last)) if len(found) > limit else ""
    return Page([row.document for row in found[:limit]], number, following)


class _Place(NamedTuple):
    """Where a walk stands: the state of the log that it looks at, and the sort keys of the last row seen."""

    number: int
    keys: tuple[Any, ...]


class _Row(NamedTuple):
    """A row of an answer: a document, of the page's last one the sort keys, and how many rows were seen on the way."""

    document: bytes
    last: str
    seen: int


class _Found(NamedTuple):
    """The rows of a page and the first of the next, and of how many they are the first."""

    rows: list[_Row]
    seen: int


class _Search:
    """What one page is looked for with. The newest that match are found first, where relevance orders them then."""

    def __init__(self, wanted: Wanted, order: Order, place: _Place, limit: int, fields: Sequence[str]) -> None:
        self.wanted, self.place = wanted, place
        self.is_ranked = order.sort is Sort.RELEVANCE
        self.order = NEWEST_FIRST if self.is_ranked else order
        self.rows = MOST_RANKED if self.is_ranked else limit + 1
        self.start, at = _start(order, place.keys)
        held, values = conditions(wanted, place.number, each=True)
        bounds = [one for one in held if one.startswith(f"{self.order.keys[0]} ")]
        self.values = {**values, **at, "fields": list(fields)} if fields else {**values, **at}
        self.parts = {
            "keys": ", ".join(self.order.keys),
            "order": self.order.as_sql(),
            "within": self.order.as_sql("there."),
            "start": " AND ".join([*([] if self.is_ranked else [self.start]), *bounds]) or "TRUE",
            "rows": self.rows,
        }
        self._held_by_each = " AND ".join(held)
        self._rest = {
            "last": ", ".join(f"page.{key}" for key in order.keys),
            "order": order.as_sql(),
            "in_page": order.as_sql("page."),
            "start": self.start if self.is_ranked else "TRUE",
            "source": "ranked" if self.is_ranked else "found",
            "ranked": _RANKED if self.is_ranked else "",
            "document": _CHOSEN if fields else "entry.document",
            "limit": limit,
        }

    def run(self, way: str, *, counted: str = "", prepared: bool = False, **parts: Any) -> _Found:
        """The page as far as this way finds it; what is seen are the rows of `counted`, without it the page's own."""
        counted = counted or ("found" if self.is_ranked else "")
        seen = _COUNTED.format(counted=counted) if counted else "0"
        held = self._held_by_each if way in _WALKS else self._held
        statement = _DOCUMENTS.format(**self._rest, found=way.format(**self.parts, **parts, held=held), seen=seen)
        found = [_Row(*row) for row in rows(statement, self.values, prepared=prepared)]
        return _Found(found, found[0].seen if counted and found else len(found))

    def expected(self) -> int:
        """How many rows there are from the start on, as the planner's statistics say."""
        ((plan,),) = rows(_EXPLAINED.format(**self.parts, held=self._held), self.values, prepared=False)
        return int(plan[0]["Plan"]["Plan Rows"])

    @cached_property
    def _held(self) -> str:
        return " AND ".join(conditions(self.wanted, self.place.number)[0])


def _found(search: _Search) -> _Found:
    if _is_walk(search.wanted, search.order):
        return search.run(_ALL, prepared=True)
    head, expected = known_head().number, None
    near = min(max(search.rows * _NEAR_FOR_EACH, _LEAST_NEAR), _MOST_NEAR)
    # Every entry of the log has a row, and whatever was added within the second is less than as many again.
    is_all = 2 * head <= near
    if search.wanted.q and not is_all:
        expected = search.expected()
    if expected is None or expected * near >= search.rows * head:
        found = search.run(_NEAR, near=near, prepared=not search.wanted.q)
        if is_all or found.seen >= search.rows:
            return found
    if (search.expected() if expected is None else expected) <= _EXPECTED:
        found = search.run(_SORTED, far=_FAR, counted="matching")
        if found.seen <= _FAR:
            return found
    after = () if search.is_ranked else search.place.keys
    steps = days.steps(search.wanted, search.order.keys, descending=search.order.descending, after=after)
    search.values |= steps.values
    return search.run(_BY_DAY, steps=steps.statement, by_step=steps.order, of_step=steps.held)


def _is_walk(wanted: Wanted, order: Order) -> bool:
    """Whether nearly all rows from the start on are wanted: only what the order's own index bounds is asked for."""
    return not wanted.q and not wanted.groups and all(one.column == order.keys[0] for one in wanted.ranges)


def _start(order: Order, after: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    if not after:
        return "TRUE", {}
    values = ", ".join(f"%(key_{place})s::{_TYPES[key]}" for place, key in enumerate(order.keys))
    sign = "<" if order.descending else ">"
    return f"({', '.join(order.keys)}) {sign} ({values})", {f"key_{n}": key for n, key in enumerate(after)}
