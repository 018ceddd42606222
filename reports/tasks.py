"""What the workers run. Nothing imports this module."""

from celery import shared_task

from reports.evidence import sweeping


@shared_task
def sweep_evidence() -> None:
    """Clears away files that no report holds."""
    sweeping.sweep_due()
