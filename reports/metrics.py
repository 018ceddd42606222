"""How the queue does, from reports and activities; a fixed number of queries, whatever there is to count.

Percentiles are PostgreSQL's percentile_cont. Times are seconds. What was imported is left out: nobody waits for it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone


@dataclass(frozen=True)
class Day:
    """What came in and what was decided (accepted or rejected) on a day, UTC."""

    day: date
    received: int
    decided: int


@dataclass(frozen=True)
class Spread:
    """How many, and the median and the 95th percentile of their seconds; None where there are none."""

    name: str
    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """Of a hundred; None of nothing."""
        return 100 * self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Work:
    """What one moderator decided, and the median seconds from claim to decision."""

    name: str
    accepted: int
    rejected: int
    p50: float | None


@dataclass(frozen=True)
class Outcomes:
    """What became of what was decided in the period."""

    accepted: int
    rejected: int
    duplicates: Share
    reopened: int
    appeals_overturned: Share


# The name under which `Spread` rows count every category together.
ALL = ""


def by_day(since: datetime, until: datetime) -> list[Day]:
    """Every day of the period, also those on which nothing happened."""
    return [Day(*row) for row in _rows(_BY_DAY, since=since, until=until)]


def backlog(now: datetime) -> list[Spread]:
    """The age of what waits for a decision, by category; first all of it."""
    return [Spread(*row) for row in _rows(_BACKLOG, now=now)]


def times(since: datetime) -> tuple[list[Spread], list[Spread]]:
    """From submission to a moderator's first action and to the first decision, for what came since; as `backlog`."""
    rows = _rows(_TIMES, since=since)
    return [Spread(row[0], *row[1:4]) for row in rows], [Spread(row[0], *row[4:7]) for row in rows]


def outcomes(since: datetime) -> Outcomes:
    """What was decided since; a duplicate was rejected as one, or joined a case that another report opened."""
    (row,) = _rows(_OUTCOMES, since=since)
    accepted, rejected, duplicates, reopened, appeals, overturned = row
    return Outcomes(
        accepted=accepted,
        rejected=rejected,
        duplicates=Share(duplicates, accepted + rejected),
        reopened=reopened,
        appeals_overturned=Share(overturned, appeals),
    )


def publishers(since: datetime) -> Spread:
    """Of the publishers offered a reply since: the seconds until the first answer, of those who answered."""
    (row,) = _rows(_PUBLISHERS, since=since)
    return Spread("publishers", *row)


def team(since: datetime) -> list[Work]:
    """What each moderator decided since, the busiest first. For those who lead only."""
    return [Work(*row) for row in _rows(_TEAM, since=since)]


def period(days: int) -> tuple[datetime, datetime]:
    """The last so many whole days, today included."""
    now = timezone.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days - 1), now


def _rows(query: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


_BY_DAY = """
WITH days AS (SELECT generate_series(%(since)s, %(until)s, interval '1 day')::timestamptz AS day),
came AS (SELECT date_trunc('day', submitted_at) AS day, count(*) AS n FROM reports_report
    WHERE submitted_at >= %(since)s AND source_id = '' GROUP BY 1),
gone AS (SELECT date_trunc('day', at) AS day, count(DISTINCT report_id) AS n FROM reports_activity
    WHERE at >= %(since)s AND actor_id IS NOT NULL AND verb IN ('accept', 'reject') GROUP BY 1)
SELECT days.day::date, coalesce(came.n, 0), coalesce(gone.n, 0)
FROM days LEFT JOIN came USING (day) LEFT JOIN gone USING (day) ORDER BY 1
"""

_BACKLOG = """
WITH waiting AS (SELECT category, extract(epoch FROM %(now)s - submitted_at)::float8 AS age FROM reports_report
    WHERE state IN ('received', 'in_review') AND source_id = '')
SELECT coalesce(category, ''), count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY age),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY age)
FROM waiting GROUP BY GROUPING SETS ((), (category)) ORDER BY grouping(category) DESC, 2 DESC, 1
"""

_TIMES = """
WITH first AS (
    SELECT report.category,
        extract(epoch FROM min(activity.at) - report.submitted_at)::float8 AS acted,
        extract(epoch FROM min(activity.at) FILTER (WHERE activity.verb IN ('accept', 'reject'))
            - report.submitted_at)::float8 AS decided
    FROM reports_report AS report
    JOIN reports_activity AS activity ON activity.report_id = report.id AND activity.actor_id IS NOT NULL
    WHERE report.submitted_at >= %(since)s AND report.source_id = ''
    GROUP BY report.id
)
SELECT coalesce(category, ''),
    count(acted), percentile_cont(0.5) WITHIN GROUP (ORDER BY acted),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY acted),
    count(decided), percentile_cont(0.5) WITHIN GROUP (ORDER BY decided),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY decided)
FROM first GROUP BY GROUPING SETS ((), (category)) ORDER BY grouping(category) DESC, 2 DESC, 1
"""

_OUTCOMES = """
WITH decided AS (
    SELECT DISTINCT ON (report_id) report_id, verb FROM reports_activity
    WHERE at >= %(since)s AND actor_id IS NOT NULL AND verb IN ('accept', 'reject') ORDER BY report_id, id DESC
),
facts AS (
    SELECT decided.verb, report.reject_reason = 'duplicate' OR (decided.verb = 'accept' AND EXISTS (
        SELECT FROM reports_case_reports AS own JOIN reports_case_reports AS other USING (case_id)
        WHERE own.report_id = report.id AND other.id < own.id)) AS duplicate
    FROM decided JOIN reports_report AS report ON report.id = decided.report_id
)
SELECT count(*) FILTER (WHERE verb = 'accept'), count(*) FILTER (WHERE verb = 'reject'),
    count(*) FILTER (WHERE duplicate),
    (SELECT count(DISTINCT report_id) FROM reports_activity WHERE verb = 'reopen' AND at >= %(since)s),
    (SELECT count(*) FROM reports_activity WHERE verb = 'decide appeal' AND at >= %(since)s),
    (SELECT count(*) FROM reports_activity WHERE verb = 'decide appeal' AND at >= %(since)s AND after <> before)
FROM facts
"""

_PUBLISHERS = """
WITH offered AS (
    SELECT case_id, min(at) AS at FROM reports_activity WHERE verb = 'offer a reply' AND at >= %(since)s GROUP BY 1
),
answered AS (
    SELECT extract(epoch FROM (SELECT min(answer.at) FROM reports_activity AS answer
        WHERE answer.case_id = offered.case_id AND answer.actor_name = 'publisher' AND answer.at >= offered.at)
        - offered.at)::float8 AS seconds
    FROM offered
)
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
FROM answered
"""

_TEAM = """
WITH decisions AS (
    SELECT actor_id, actor_name, verb, extract(epoch FROM at - (
        SELECT max(claim.at) FROM reports_activity AS claim
        WHERE claim.report_id = decision.report_id AND claim.verb = 'claim' AND claim.at <= decision.at
    ))::float8 AS took
    FROM reports_activity AS decision
    WHERE at >= %(since)s AND actor_id IS NOT NULL AND report_id IS NOT NULL AND verb IN ('accept', 'reject')
)
SELECT max(actor_name), count(*) FILTER (WHERE verb = 'accept'), count(*) FILTER (WHERE verb = 'reject'),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY took)
FROM decisions GROUP BY actor_id ORDER BY count(*) DESC, 1
"""
