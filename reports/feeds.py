"""Databases that are imported on a schedule: fetched through the guarded door out, then run as by hand."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import structlog
from django.utils import timezone

from lib.due import lease_next
from lib.http import CALL_ERRORS, roaming_client
from lib.wake import wake
from reports import importing
from reports.import_files import MOST_BYTES
from reports.importer import importers
from reports.importing import BusyError
from reports.models import ImportFeed, ImportRun, RunState

log = structlog.get_logger()

FETCH_SECONDS = 100.0  # within the lease, and within the task's own time


class NotFetchedError(RuntimeError):
    """The feed's address gave no file; the message says why."""


def add(*, name: str, importer: str, url: str, every_hours: int) -> ImportFeed:
    """A feed that is fetched from now on, or an older one by that name with another address or time."""
    values = {"importer": importer, "url": url, "every_hours": every_hours, "due_at": timezone.now(), "parked_at": None}
    feed, _ = ImportFeed.objects.update_or_create(name=name, defaults={**values, "strikes": 0})
    wake("feed added")
    return feed


def run_due() -> int:
    """Imports every feed that is due; how many. Safe in any number of workers at once."""
    done = 0
    while feed := lease_next(ImportFeed.objects.all()):
        done += 1
        try:
            run = _run(feed)
        except (NotFetchedError, BusyError) as error:
            feed.postpone(str(error))
        except Exception as error:
            feed.fail(type(error).__name__)
            log.exception("import failed", feed=feed.name)
        else:
            _settle(feed, run)
    return done


def _settle(feed: ImportFeed, run: ImportRun) -> None:
    log.info("import ended", feed=feed.name, state=run.state, counts=run.counts)
    if run.state == RunState.FAILED:
        feed.postpone(run.note)
    else:
        feed.done(next_due=timezone.now() + timedelta(hours=feed.every_hours))


def _run(feed: ImportFeed) -> ImportRun:
    with TemporaryDirectory(prefix="faultline-import-") as folder:
        path = _fetch(feed.url, Path(folder))
        feed.renew()
        return importing.run(feed=feed.name, importer=importers()[feed.importer], path=path)


def _fetch(url: str, folder: Path) -> Path:
    """The file at an address, whole. Raises NotFetchedError."""
    path = folder / (Path(urlsplit(url).path).name or "feed.json")
    try:
        with (
            roaming_client(home=url, seconds=FETCH_SECONDS, most_bytes=MOST_BYTES) as client,
            client.stream("GET", url) as answer,
            path.open("wb") as file,
        ):
            if answer.status_code != 200:  # noqa: PLR2004
                raise NotFetchedError(f"{url[:200]} answered {answer.status_code}")
            for chunk in answer.iter_bytes():
                file.write(chunk)
    except (*CALL_ERRORS, OSError) as error:
        raise NotFetchedError(f"{url[:200]}: {error or type(error).__name__}") from error
    return path
