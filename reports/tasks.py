"""What the workers run. Nothing imports this module."""

from celery import shared_task

from reports import drafts, feeds, mail, release, retention, subscriptions, webhooks
from reports.evidence import sweeping


@shared_task
def forget_due_drafts() -> None:
    """Deletes every draft that is due."""
    drafts.forget_due()


@shared_task
def send_due_mail() -> None:
    """Tells reporters by mail that there is news."""
    mail.send_due()


@shared_task
def send_due_digests() -> None:
    """Asks addresses to confirm, and tells those that did of new records."""
    subscriptions.send_due()


@shared_task
def deliver_due_webhooks() -> None:
    """Asks addresses whether they want webhooks, and sends what is new to those that do."""
    webhooks.deliver_due()


@shared_task
def sweep_evidence() -> None:
    """Clears away files that no report holds."""
    sweeping.sweep_due()


@shared_task
def expire_due() -> None:
    """Forgets what was kept for a time only."""
    retention.expire_due()


@shared_task
def publish_due_releases() -> None:
    """Makes public whatever was approved and is due."""
    release.publish_due()


@shared_task
def import_due_feeds() -> None:
    """Fetches and imports whatever feed is due."""
    feeds.run_due()
