"""That something must leave the stored files now."""

from django.utils import timezone

from incidents.models import ExportRefresh, OsvRefresh
from lib.wake import wake


def at_once() -> None:
    """Has exports and OSV files made anew as soon as this transaction commits. The log must have gone on in it."""
    ExportRefresh.objects.get_or_create(pk=1)
    ExportRefresh.objects.update(due_at=timezone.now())
    OsvRefresh.objects.update(due_at=timezone.now())
    wake("exports outdated")
