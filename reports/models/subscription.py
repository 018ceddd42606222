"""Who wants to hear of records by mail. Life: `reports.subscriptions`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from lib.due import DueRow


class Subscription(DueRow):
    """An address, sealed, and the query whose records it wants to hear of; due when the next mail is."""

    sealed = models.BinaryField(help_text="JSON: the address, and the secret of the links in its mails.")
    address_key = models.CharField(max_length=64, help_text="HMAC of the address, to count what one asks for.")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret.")
    query = models.CharField(max_length=2000, blank=True, help_text="Filters of the list, in one spelling.")
    language = models.CharField(
        max_length=35, default="en", help_text="Of the page on which it was asked for (BCP 47)."
    )
    days = models.PositiveSmallIntegerField(default=1, help_text="From one mail to the next.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the address was asked to confirm.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    told = models.BigIntegerField(default=0, help_text="The last entry of the log it was told of.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address_key", "query"], name="subscription_once"),
            models.CheckConstraint(condition=Q(days__in=[1, 7]), name="subscription_days"),
            models.CheckConstraint(condition=~Q(language=""), name="subscription_language"),
            models.CheckConstraint(
                condition=Q(confirmed_at=None) | Q(asked_at__isnull=False), name="subscription_asked_before_confirmed"
            ),
        ]

    def __str__(self) -> str:
        return f"subscription {self.pk}"
