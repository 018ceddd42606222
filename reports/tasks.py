"""What workers are woken for; each asks the module that owns the work."""

from celery import shared_task

from reports import retention


@shared_task
def expire_due() -> None:
    """Forgets what was kept for a time only."""
    retention.expire_due()
