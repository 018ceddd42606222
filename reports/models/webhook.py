"""Who wants to be told of records by a call to an address of theirs. Life: `reports.webhooks`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from lib.due import DueRow


class Webhook(DueRow):
    """An address, sealed with the secret that signs for it, and the query whose records it is told of."""

    sealed = models.BinaryField(help_text="JSON: the address, the secret of the signatures, that of the owner's page.")
    address_key = models.CharField(max_length=64, help_text="HMAC of the address's host, to count what one is told.")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the owner's page's secret.")
    query = models.CharField(max_length=2000, blank=True, help_text="Filters of the list, in one spelling.")
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When the address answered the challenge.")
    told = models.BigIntegerField(default=0, help_text="The last entry of the log it was told of.")
    until = models.BigIntegerField(
        null=True, blank=True, help_text="The last entry of the message on its way, which every try repeats."
    )
    delivered_at = models.DateTimeField(null=True, blank=True, help_text="When it last took a message.")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When it was given up.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["address_key"], name="webhook_of_address")]
        constraints = [
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=models.F("told")), name="webhook_until_ahead"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(confirmed_at__isnull=False), name="webhook_sends_once_confirmed"
            ),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"
