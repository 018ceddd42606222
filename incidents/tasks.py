"""What the workers run. Nothing imports this module."""

from celery import shared_task

from incidents import checkpoints, osv_files, refreshing
from incidents.exports import refreshing as exports_refreshing


@shared_task
def refresh_due_search_rows() -> None:
    """Lets what finds records follow what the catalogue has learnt of their models."""
    refreshing.refresh_due()


# A first build of a large collection takes longer than other tasks may; its lease is renewed meanwhile.
@shared_task(time_limit=3600, soft_time_limit=3570)
def refresh_exports() -> None:
    """Brings the stored exports up to the end of the log."""
    exports_refreshing.refresh_due()


@shared_task
def refresh_osv_files() -> None:
    """Makes the OSV files again when the log has grown."""
    osv_files.refresh_due()


@shared_task
def sign_checkpoint() -> None:
    """Signs what the log has gained."""
    checkpoints.sign_or_say()
