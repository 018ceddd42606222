"""What the workers run. Nothing imports this module."""

from celery import shared_task

from federation import pulling


@shared_task
def follow_due_peers() -> None:
    """Reads on in the logs of other nodes."""
    pulling.pull_due()
