"""Lists for harvesters: every record once, by when it last changed on this node; what was withdrawn stays in them.

The datestamp is given under the log's lock, so it follows the order of entries, and lies `LEEWAY` ahead: whoever lists
again from the moment of their last answer meets whatever was being committed at that moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from incidents.connection import public_connection, rows
from incidents.models import Publication
from incidents.record import Status

# Seconds, more than entries take from the lock to their commit.
LEEWAY = 5

# What was erased stays listed as deleted under the category that it had: who harvests that set alone must hear of it.
_PROJECT = """
INSERT INTO incidents_harvestrow AS kept (incident_id, number, datestamp, origin, category, deleted)
SELECT incident.id, new.number, greatest(
        date_trunc('second', clock_timestamp()) + %(leeway)s * interval '1 second',
        (SELECT max(datestamp) FROM incidents_harvestrow)
    ), incident.origin, incident.category, incident.status = %(withdrawn)s
FROM unnest(%(numbers)s::bigint[], %(incidents)s::bigint[]) AS new(number, incident)
JOIN incidents_incident incident ON incident.id = new.incident
ON CONFLICT (incident_id) DO UPDATE SET number = EXCLUDED.number, datestamp = EXCLUDED.datestamp,
    origin = EXCLUDED.origin, category = coalesce(nullif(EXCLUDED.category, ''), kept.category),
    deleted = EXCLUDED.deleted
"""
# One statement, so that the page and how many remain are of one moment.
_PAGE = """
WITH wanted AS NOT MATERIALIZED (
    SELECT number, datestamp, incident_id, origin, category, deleted FROM incidents_harvestrow WHERE {conditions}
), page AS (
    SELECT * FROM wanted ORDER BY datestamp, number LIMIT %(rows)s
)
SELECT page.number, page.datestamp, incident.public_id, page.origin, page.category, page.deleted,
    CASE WHEN page.deleted OR NOT %(documents)s THEN NULL ELSE incident.document END,
    (SELECT count(*) FROM wanted)
FROM page JOIN incidents_incident incident ON incident.id = page.incident_id ORDER BY page.datestamp, page.number
"""
_ONE = """
SELECT row.number, row.datestamp, incident.public_id, row.origin, row.category, row.deleted,
    CASE WHEN row.deleted THEN NULL ELSE incident.document END
FROM incidents_harvestrow row JOIN incidents_incident incident ON incident.id = row.incident_id
WHERE incident.public_id = %s AND row.origin = %s
"""


@dataclass(frozen=True)
class Listed:
    """A record in a list. `document` is None where it was withdrawn, or not asked for."""

    number: int
    datestamp: datetime
    public_id: str
    origin: str
    category: str
    deleted: bool
    document: bytes | None


@dataclass(frozen=True)
class Wanted:
    """Which records: both moments are included; "" stands for every origin or category, which has those below it."""

    since: datetime | None = None
    until: datetime | None = None
    origin: str = ""
    category: str = ""


@dataclass(frozen=True)
class Place:
    """Where a walk stands: the last record it saw."""

    datestamp: datetime
    number: int


@dataclass(frozen=True)
class Page:
    """Some records, and how many there are from its first one to the end of the list."""

    records: Sequence[Listed]
    remaining: int


def project(publications: Sequence[Publication]) -> None:
    """Lists the records, each another, of new publications, in the place of their former rows.

    Call it under the log's lock.
    """
    places = {
        "numbers": [one.number for one in publications],
        "incidents": [one.incident_id for one in publications],
    }
    with connection.cursor() as cursor:
        cursor.execute(_PROJECT, {**places, "leeway": LEEWAY, "withdrawn": Status.WITHDRAWN.value})


def page(wanted: Wanted, *, after: Place | None, limit: int, documents: bool) -> Page:
    """The next records in the order of their changes. One that changes during a walk is met again at its end.

    A walk is not held to one state of the log: it would have to leave out what changed meanwhile, or hand out what was
    withdrawn meanwhile.
    """
    conditions, values = _conditions(wanted, after)
    statement = _PAGE.format(conditions=" AND ".join(conditions))
    with public_connection().cursor() as cursor:
        cursor.execute(statement, {**values, "rows": limit, "documents": documents})
        found = cursor.fetchall()
    return Page([_listed(row[:-1]) for row in found], found[0][-1] if found else 0)


def one(public_id: str, origin: str) -> Listed | None:
    """The record with that id of that node, withdrawn or not."""
    found = [] if "\x00" in public_id + origin else rows(_ONE, [public_id, origin])
    return _listed(found[0]) if found else None


def earliest() -> datetime | None:
    """The lowest datestamp; None before the first publication."""
    (moment,) = rows("SELECT min(datestamp) FROM incidents_harvestrow")[0]
    return moment if isinstance(moment, datetime) else None


def origins() -> list[str]:
    """The nodes whose records are listed here, by name."""
    return [name for (name,) in rows("SELECT DISTINCT origin FROM incidents_harvestrow ORDER BY origin")]


def _conditions(wanted: Wanted, after: Place | None) -> tuple[list[str], dict[str, Any]]:
    conditions, values = ["TRUE"], dict[str, Any]()
    if after:
        conditions.append("(datestamp, number) > (%(datestamp)s, %(number)s)")
        values |= {"datestamp": after.datestamp, "number": after.number}
    if wanted.since:
        conditions.append("datestamp >= %(since)s")
        values["since"] = wanted.since
    if wanted.until:
        conditions.append("datestamp <= %(until)s")
        values["until"] = wanted.until
    if wanted.origin:
        conditions.append("origin = %(origin)s")
        values["origin"] = wanted.origin
    if wanted.category:
        conditions.append("(category = %(category)s OR starts_with(category, %(below)s))")
        values |= {"category": wanted.category, "below": f"{wanted.category}."}
    return conditions, values


def _listed(row: Sequence[Any]) -> Listed:
    number, datestamp, public_id, origin, category, deleted, document = row
    return Listed(number, datestamp, public_id, origin, category, deleted, bytes(document) if document else None)
