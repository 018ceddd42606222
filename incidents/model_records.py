"""The records on one model, page by page: those that name it, and those that name a model it derives from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from catalogue.lineage import Path
from incidents.concerned import NAMED, all_rows, values_for
from incidents.models import Incident
from lib.cursors import read_cursor, write_cursor

MOST_DATED = 10_000
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first, and the cursor of the page after ("" at the end)."""

    rows: tuple[Row, ...]
    next: str


@dataclass(frozen=True)
class InheritedPage:
    """Records with the nearest base that each names (a primary key), newest first, and the cursor of the page after."""

    found: tuple[tuple[Incident, int], ...]
    next: str


def newest(rows: "QuerySet[Row]", *, by: str = "published_at", after: str = "", limit: int) -> Page[Row]:
    """A page of `rows` by a column with a moment. Raises BadCursorError."""
    walk = f"newest by {by}"
    if after:
        moment, pk = _read(walk, after)
        rows = rows.filter(Q(**{f"{by}__lt": moment}) | Q(**{by: moment}, pk__lt=pk))
    found = list(rows.order_by(f"-{by}", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(tuple(found[:limit]), _written(walk, getattr(last, by), last.pk) if last else "")


def published(rows: QuerySet[Incident]) -> list[tuple[datetime, str]]:
    """When each of the newest MOST_DATED `rows` was published, and its public id; newest first."""
    return list(rows.order_by("-published_at", "-pk").values_list("published_at", "public_id")[:MOST_DATED])


_INHERITED = """
SELECT incident.id, incident.published_at, array_agg(named.model)
FROM named JOIN incidents_incident incident ON incident.id = named.record
WHERE named.concerned AND named.model <> %(model)s
    AND named.record NOT IN (SELECT own.record FROM named own WHERE own.model = %(model)s)
    AND (%(before)s::timestamptz IS NULL OR (incident.published_at, incident.id) < (%(before)s, %(below)s))
GROUP BY incident.id
ORDER BY incident.published_at DESC, incident.id DESC
LIMIT %(limit)s
"""


def inherited(model: int, above: Mapping[int, Path], *, after: str = "", limit: int) -> InheritedPage:
    """A page of the records on a model's bases; none that names the model itself, as affected or as not.

    Two queries, whatever is found. Raises BadCursorError.
    """
    before, below = _read("inherited", after) if after else (None, 0)
    values: dict[str, Any] = values_for([model, *above])
    values |= {"model": model, "before": before, "below": below, "limit": limit + 1}
    rows = all_rows(NAMED + _INHERITED, values)
    incidents = Incident.objects.in_bulk([pk for pk, _, _ in rows[:limit]])
    found = tuple((incidents[pk], _nearest(bases, above)) for pk, _, bases in rows[:limit])
    pk, moment, _ = rows[limit - 1] if len(rows) > limit else (0, None, None)
    return InheritedPage(found, _written("inherited", moment, pk) if moment else "")


def _nearest(bases: Sequence[int], above: Mapping[int, Path]) -> int:
    return min(bases, key=lambda base: (len(above[base].relations), base))


def _written(walk: str, moment: datetime, pk: int) -> str:
    return write_cursor(walk, moment.isoformat(), pk)


def _read(walk: str, cursor: str) -> tuple[datetime, int]:
    """The moment and the primary key that a walk has come to. Raises BadCursorError."""
    moment, pk = read_cursor(walk, cursor)
    return datetime.fromisoformat(moment), pk
