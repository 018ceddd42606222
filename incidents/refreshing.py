"""What finds a record by its models' licence, openness, formats and bases follows what the catalogue learns.

Each record is asked about an hour after its publication and then ever more rarely while nothing changes, up to every
two weeks; at once where its model's hub said something new. What a base's base says arrives with the standing round.
"""

from datetime import timedelta

import structlog
from django.db import connection
from django.utils import timezone

from incidents.models import SearchRefresh
from incidents.search_rows import describe_again
from lib.due import lease_next

log = structlog.get_logger()

LONGEST_INTERVAL = timedelta(days=14)

# Whatever is older than the newest thousand snapshots waits for the standing round.
_NEWS = """
WITH news AS (SELECT model_id, taken_at FROM catalogue_snapshot ORDER BY id DESC LIMIT 1000)
UPDATE incidents_searchrefresh refresh SET due_at = %(now)s
FROM news
JOIN catalogue_alias alias ON alias.model_id = news.model_id
JOIN incidents_affected affected ON affected.hub = alias.hub AND affected.name_key = alias.name_key
WHERE refresh.incident_id = affected.incident_id AND refresh.asked_at < news.taken_at AND refresh.due_at > %(now)s
"""


def refresh_due() -> int:
    """Asks the catalogue again about every record that is due; how many. Safe in any number of workers at once."""
    note_news()
    asked = 0
    while lease := lease_next(SearchRefresh.objects.all()):
        asked += 1
        try:
            _refresh(lease)
        except Exception as error:
            lease.fail(type(error).__name__)
            log.exception("search refresh failed", incident=lease.pk)
    return asked


def note_news() -> None:
    """Makes due at once the records whose models' hubs said something new."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWS, {"now": timezone.now()})


def _refresh(lease: SearchRefresh) -> None:
    now = timezone.now()
    changed = describe_again(lease.pk)
    longest = LONGEST_INTERVAL.total_seconds() / 3600
    hours = 1.0 if changed else min(lease.interval_hours * 2, longest)
    lease.done(next_due=now + timedelta(hours=hours), asked_at=now, interval_hours=hours)
