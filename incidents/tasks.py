"""What the workers run. Nothing imports this module."""

from celery import shared_task

from incidents import osv_files


@shared_task
def refresh_osv_files() -> None:
    """Makes the OSV files again when the log has grown."""
    osv_files.refresh_due()
