"""The steps from one day to another in which a list is gone through, newest or oldest first, as SQL.

Each row has the days that lists are ordered by among its tokens. Rows of one day that match are found in the index of
tokens and words at a cost that grows with the day alone, so that even what matches nothing costs so much for each day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from incidents.filters import Wanted
from incidents.record import Severity
from incidents.tokens import Dimension, token

_OF_COLUMN = {
    "published_at": Dimension.PUBLISHED_DAY,
    "modified_at": Dimension.MODIFIED_DAY,
    "occurred_first": Dimension.OCCURRED_DAY,
}
_DAYS = """
SELECT token, value AS day FROM incidents_facetcount
WHERE dimension = {dimension} AND {bounds} ORDER BY value {direction}
"""
# Of each severity all days of publication.
_SEVERITIES = """
SELECT token, severity, value AS day
FROM unnest(%(severities)s::smallint[]) AS severity CROSS JOIN incidents_facetcount
WHERE dimension = {dimension} AND {bounds} ORDER BY severity {direction}, value {direction}
"""


@dataclass(frozen=True)
class Steps:
    """A statement that gives each step; its order; what holds of the rows of a `step`; and the statement's values."""

    statement: str
    order: str
    held: str
    values: dict[str, Any]


def steps(wanted: Wanted, keys: Sequence[str], *, descending: bool, after: Sequence[Any]) -> Steps:
    """The steps through a list ordered by `keys`, from the keys `after` on (none: from its beginning)."""
    direction, sign = ("DESC", "<=") if descending else ("ASC", ">=")
    by_severity = keys[0] == "severity"
    column = keys[1] if by_severity else keys[0]
    bounds, values = _bounds(wanted, column)
    if after and by_severity:
        bounds.append(f"(severity, value) {sign} (%(step_severity)s, %(step_day)s)")
        values |= {"step_severity": after[0], "step_day": _day(after[1])}
    elif after:
        bounds.append(f"value {sign} %(step_day)s")
        values["step_day"] = _day(after[0])
    if by_severity:
        values["severities"] = _severities(wanted)
    statement = (_SEVERITIES if by_severity else _DAYS).format(
        dimension=_OF_COLUMN[column].value, bounds=" AND ".join(bounds) or "TRUE", direction=direction
    )
    # One token each: PostgreSQL then goes by the day, and looks up the other tokens for its rows alone.
    held, order = "tokens @> ARRAY[step.token]", f"step.day {direction}"
    if by_severity:
        held, order = f"{held} AND row.severity = step.severity", f"step.severity {direction}, {order}"
    return Steps(statement, order, held, values)


def _severities(wanted: Wanted) -> list[int]:
    """The places of the severities that are wanted."""
    tokens = [token(Dimension.SEVERITY, one.value) for one in Severity]
    groups = [set(group) for group in wanted.groups if not set(group).isdisjoint(tokens)]
    return [place for place, one in enumerate(tokens) if all(one in group for group in groups)]


def _bounds(wanted: Wanted, column: str) -> tuple[list[str], dict[str, Any]]:
    """What the ranges of the order's own column leave of its days."""
    found: dict[str, Any] = {}
    for one in wanted.ranges:
        if one.column == column:
            found |= {name: value for name, value in (("day_first", one.first), ("day_last", one.last)) if value}
    said = {"day_first": "value >= %(day_first)s", "day_last": "value <= %(day_last)s"}
    return [said[name] for name in found], {name: _day(value) for name, value in found.items()}


def _day(moment: str | date | datetime) -> str:
    """The day (UTC) of a day or a moment."""
    return (moment if isinstance(moment, str) else moment.isoformat())[:10]
