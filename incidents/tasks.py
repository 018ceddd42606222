"""What the workers run. Nothing imports this module."""

from celery import shared_task

from incidents.exports import refreshing


# A first build of a large collection takes longer than other tasks may; its lease is renewed meanwhile.
@shared_task(time_limit=3600, soft_time_limit=3570)
def refresh_exports() -> None:
    """Brings the stored exports up to the end of the log."""
    refreshing.refresh_due()
