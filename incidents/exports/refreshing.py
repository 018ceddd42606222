"""The standing job that keeps the stored exports up with the log."""

import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from incidents.exports import building
from incidents.exports.building import BusyFolderError
from incidents.models import ExportRefresh
from lib.due import lease_next

# A refresh rests so many times as long as it took: on a large collection it never takes a worker to itself.
RESTS = 10

log = structlog.get_logger()


class LostLeaseError(RuntimeError):
    """Another worker has the job now."""


def refresh_due() -> bool:
    """Brings the stored exports up to the end of the log if it is time to; whether it did."""
    ExportRefresh.objects.get_or_create(pk=1)
    row = lease_next(ExportRefresh.objects.all())
    if row is None:
        return False
    started = time.monotonic()
    try:
        index = building.refresh(going_on=_Hold(row).keep)
    except BusyFolderError as error:
        row.postpone(str(error))
        return False
    except LostLeaseError:
        return False
    except Exception as error:
        row.fail(f"{type(error).__name__}: {error}")
        log.exception("refresh of exports failed")
        return True
    seconds = time.monotonic() - started
    rest = max(settings.EXPORT_REFRESH_SECONDS, RESTS * seconds)
    row.done(next_due=timezone.now() + timedelta(seconds=rest))
    log.info("refreshed exports", log_number=index.log_number, seconds=round(seconds, 1))
    return True


class _Hold:
    """Renews the lease in time, however long the work takes."""

    def __init__(self, row: ExportRefresh) -> None:
        self._row, self._renewed = row, time.monotonic()

    def keep(self) -> None:
        """To be called often. Raises LostLeaseError."""
        if time.monotonic() - self._renewed < settings.LEASE_SECONDS / 4:
            return
        if not self._row.renew():
            raise LostLeaseError
        self._renewed = time.monotonic()
