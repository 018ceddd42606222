"""What the workers run. Nothing imports this module."""

from celery import shared_task

from catalogue import lookups


@shared_task
def look_up_due_models() -> None:
    """Asks the hubs about every model that is due."""
    lookups.look_up_due()
