"""What the workers run. Nothing imports this module."""

from celery import shared_task

from reports import drafts


@shared_task
def forget_due_drafts() -> None:
    """Deletes every draft that is due."""
    drafts.forget_due()
