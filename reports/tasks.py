"""What the workers run. Nothing imports this module."""

from celery import shared_task

from reports import mail


@shared_task
def send_due_mail() -> None:
    """Tells reporters by mail that there is news."""
    mail.send_due()
