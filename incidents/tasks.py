"""What the workers run. Nothing imports this module."""

from celery import shared_task

from incidents import checkpoints


@shared_task
def sign_checkpoint() -> None:
    """Signs what the log has gained."""
    checkpoints.sign_or_say()
