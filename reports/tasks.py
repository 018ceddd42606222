"""What the workers run. Nothing imports this module."""

from celery import shared_task

from reports import release


@shared_task
def publish_due_releases() -> None:
    """Makes public whatever was approved and is due."""
    release.publish_due()
