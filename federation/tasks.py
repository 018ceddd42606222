"""What the workers run. Nothing imports this module."""

from celery import shared_task

from federation import notices, pulling, witnessing


@shared_task
def follow_due_peers() -> None:
    """Reads on in the logs of other nodes."""
    pulling.pull_due()


@shared_task
def tell_due_peers() -> None:
    """Tells other nodes that our log grew."""
    notices.tell_due()


@shared_task
def return_due_cosignatures() -> None:
    """Returns to other nodes that their logs were seen."""
    witnessing.return_due()
