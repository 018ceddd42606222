"""What the workers run. Nothing imports this module."""

from celery import shared_task

from incidents import refreshing


@shared_task
def refresh_due_search_rows() -> None:
    """Lets what finds records follow what the catalogue has learnt of their models."""
    refreshing.refresh_due()
