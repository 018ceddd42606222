"""Pages of records in any order, each at a bounded cost, and walks that neither skip nor repeat.

A page looks at the record as it stood at one number of the log; its cursor carries that number, so that a walk sees one
state, whatever is published meanwhile.

A page is found in one statement that tries, in turn: a short walk along the order's index from the cursor, for what is
common; a longer one, where the short one found so much that the longer one should find the rest; the index of words and
tokens, and sorting, for what is rare. The planner does not choose: it cannot know that two common values never meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from incidents.connection import public_connection
from incidents.cursors import Cursor, read_cursor, write_cursor
from incidents.filters import Wanted, conditions
from incidents.record import Record

MOST_PER_PAGE = 500
# By relevance: only among the newest of what matches.
MOST_RANKED = 1000
# Rows of the order's index: of the short walk for each row of the page, at least and at most; and of the longer one,
# for pages and for what is ranked.
_NEAR_FOR_EACH, _LEAST_NEAR, _MOST_NEAR = 40, 2_000, 4_000
_FAR, _FAR_RANKED = 30_000, 60_000
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

_FOUND = """
WITH near AS MATERIALIZED (
    SELECT {keys}, number FROM (
        SELECT * FROM incidents_searchrow WHERE {start} ORDER BY {order} LIMIT {near}
    ) AS walked WHERE {conditions} ORDER BY {order} LIMIT %(rows)s
), far AS MATERIALIZED (
    SELECT {keys}, number FROM (
        SELECT * FROM incidents_searchrow WHERE {start} ORDER BY {order} LIMIT {far}
    ) AS walked WHERE {conditions} AND (SELECT count(*) >= {hopeful} AND count(*) < %(rows)s FROM near)
    ORDER BY {order} LIMIT %(rows)s
), found AS (
    SELECT * FROM near WHERE (SELECT count(*) FROM near) = %(rows)s
    UNION ALL
    SELECT * FROM far WHERE (SELECT count(*) FROM far) = %(rows)s
    UNION ALL
    SELECT * FROM (
        SELECT * FROM (
            SELECT {keys}, number FROM incidents_searchrow WHERE {start} AND {conditions} OFFSET 0
        ) AS everything
        WHERE (SELECT count(*) FROM near) < %(rows)s AND (SELECT count(*) FROM far) < %(rows)s
        ORDER BY {order} LIMIT %(rows)s
    ) AS indexed
)
"""
_WALKED = """
WITH found AS (
    SELECT {keys}, number FROM incidents_searchrow WHERE {start} AND {conditions} ORDER BY {order} LIMIT %(rows)s
)
"""
_RANKED = """
{newest}, ranked AS (
    SELECT ts_rank(row.words, websearch_to_tsquery('english', %(q)s))::float8 AS rank,
        row.published_at, row.incident_id, row.number
    FROM found JOIN incidents_searchrow row USING (number)
), page AS (
    SELECT * FROM ranked WHERE {start} ORDER BY {order} LIMIT %(page)s
)
"""
_DOCUMENTS = """
SELECT {keys}, {document} FROM {page} AS page JOIN incidents_publication entry USING (number) ORDER BY {order}
"""
# `json`, not `jsonb`: it keeps the bytes of every value.
_CHOSEN = """(
    SELECT convert_to('{{' || string_agg(to_json(key)::text || ':' || value::text, ',' ORDER BY place) || '}}', 'UTF8')
    FROM json_each(convert_from(entry.document, 'UTF8')::json) WITH ORDINALITY AS member(key, value, place)
    WHERE key = ANY(%(fields)s)
)"""


@dataclass(frozen=True)
class Order:
    """What a list is ordered by, and whether the greatest comes first."""

    sort: Sort = Sort.PUBLISHED
    descending: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that it orders by."""
        return _KEYS[self.sort]

    def as_sql(self) -> str:
        """For ORDER BY."""
        return ", ".join(f"{key} {'DESC' if self.descending else 'ASC'}" for key in self.keys)


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
    query = repr((wanted, order))
    cursor = read_cursor(after, query) if after else Cursor(number, ())
    statement, values = _statement(wanted, order, cursor, limit)
    document = _CHOSEN.format() if fields else "entry.document"
    page = "page" if order.sort is Sort.RELEVANCE else "found"
    statement += _DOCUMENTS.format(keys=_named(order.keys), document=document, page=page, order=order.as_sql())
    with public_connection().cursor() as database:
        database.execute(statement, {**values, "fields": list(fields)})
        rows = database.fetchall()
    following = ""
    if len(rows) > limit:
        keys = tuple(_as_json(key) for key in rows[limit - 1][:-1])
        following = write_cursor(Cursor(cursor.number, keys), query)
    return Page([bytes(row[-1]) for row in rows[:limit]], cursor.number, following)


def _statement(wanted: Wanted, order: Order, cursor: Cursor, limit: int) -> tuple[str, dict[str, Any]]:
    held, values = conditions(wanted, cursor.number)
    start, at = _start(order, cursor)
    if order.sort is not Sort.RELEVANCE:
        return _found(wanted, order, [start], held, limit + 1), {**values, **at, "rows": limit + 1}
    newest = _found(wanted, NEWEST_FIRST, ["TRUE"], held, MOST_RANKED)
    statement = _RANKED.format(newest=newest, start=start, order=order.as_sql())
    return statement, {**values, **at, "rows": MOST_RANKED, "page": limit + 1}


def _found(wanted: Wanted, order: Order, start: Sequence[str], held: Sequence[str], rows: int) -> str:
    template = _WALKED if _is_walk(wanted, order) else _FOUND
    bounds = [one for one in held if one.startswith(f"{order.keys[0]} ")]
    near = min(max(rows * _NEAR_FOR_EACH, _LEAST_NEAR), _MOST_NEAR)
    far = _FAR_RANKED if rows > MOST_PER_PAGE + 1 else _FAR
    return template.format(
        keys=", ".join(order.keys),
        order=order.as_sql(),
        start=" AND ".join([*start, *bounds]),
        conditions=" AND ".join(held),
        near=near,
        far=far,
        # Twice what would do, so that luck in the short walk does not lead into the longer one for nothing.
        hopeful=max(2 * rows * near // far, 1),
    )


def _is_walk(wanted: Wanted, order: Order) -> bool:
    """Whether nearly all rows from the start on are wanted: only what the order's own index bounds is asked for."""
    return not wanted.q and not wanted.groups and all(one.column == order.keys[0] for one in wanted.ranges)


def _start(order: Order, cursor: Cursor) -> tuple[str, dict[str, Any]]:
    if not cursor.keys:
        return "TRUE", {}
    values = ", ".join(f"%(key_{place})s::{_TYPES[key]}" for place, key in enumerate(order.keys))
    sign = "<" if order.descending else ">"
    return f"({', '.join(order.keys)}) {sign} ({values})", {f"key_{n}": key for n, key in enumerate(cursor.keys)}


def _named(keys: Sequence[str]) -> str:
    return ", ".join(f"page.{key}" for key in keys)


def _as_json(key: Any) -> Any:
    return key.isoformat() if isinstance(key, date | datetime) else key
