"""Clearing away files that no report holds, and noticing files that a report holds and the folder does not."""

from datetime import timedelta

import structlog
from django.utils import timezone

from lib.due import lease_next
from reports.evidence import store
from reports.evidence.holding import HELD_SECONDS
from reports.models import Evidence, EvidenceSweep

EVERY = timedelta(hours=1)
# Longer than any form carries a file, and than any transaction takes to give it to a report.
ORPHAN_SECONDS = HELD_SECONDS + 3600
_LOST = "The file is no longer in the node's folder."

log = structlog.get_logger()


def sweep_due() -> bool:
    """Sweeps if it is time to; whether it did."""
    EvidenceSweep.objects.get_or_create(pk=1)
    lease = lease_next(EvidenceSweep.objects.all())
    if lease is None:
        return False
    try:
        removed, lost = sweep()
    except Exception as error:
        lease.fail(f"{type(error).__name__}: {error}")
        log.exception("sweep of evidence failed")
        return True
    lease.done(next_due=timezone.now() + EVERY)
    log.info("swept evidence", removed=removed, lost=lost)
    return True


def sweep() -> tuple[int, int]:
    """How many files nobody held and were removed, and how many are missing, which their rows then say."""
    # The files first: one that is given to a report meanwhile is in the rows read afterwards.
    old = list(store.older_than(ORPHAN_SECONDS))
    held = set(Evidence.objects.values_list("stored_as", flat=True))
    removed = [one for one in old if one not in held and store.remove_old(one, ORPHAN_SECONDS)]
    gone = [row.pk for row in Evidence.objects.filter(problem="").only("stored_as") if not store.has(row.stored_as)]
    Evidence.objects.filter(pk__in=gone).update(problem=_LOST)
    return len(removed), len(gone)
