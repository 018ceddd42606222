"""How many of the records wanted may have occurred in each year: exact for few, from a sample of the rows for many."""

from incidents.connection import public_connection
from incidents.filters import Wanted, conditions
from incidents.tokens import UNKNOWN_DAY

# Rows that are all looked at; of more, about so many in blocks, as `counting` draws them.
_FEW, _SAMPLE = 20_000, 50_000

# A record that says a month or a year says it of one year alone: its first day tells which.
_COUNTED = """
SELECT extract(year FROM occurred_first)::int AS year, COUNT(*) FROM incidents_searchrow {sample}
WHERE {conditions} AND occurred_first > %(unknown)s GROUP BY 1 ORDER BY 1 DESC
"""


def by_year(wanted: Wanted, *, number: int, head: int) -> list[tuple[int, int]]:
    """Years and how many records, the latest first, as the log stood at `number`; `head` is its last entry.

    Records whose year nobody knows are under none.
    """
    held, values = conditions(wanted, number)
    percent = 100 if head <= _FEW else min(100.0 * _SAMPLE / head, 100.0)
    sample = "" if percent >= 100 else "TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)"  # noqa: PLR2004
    with public_connection().cursor() as cursor:
        statement = _COUNTED.format(sample=sample, conditions=" AND ".join(held))
        cursor.execute(statement, {**values, "unknown": UNKNOWN_DAY, "percent": percent})
        return [(year, round(records * 100 / percent)) for year, records in cursor.fetchall()]
