"""That something must leave the stored exports now."""

from django.utils import timezone

from incidents.models import ExportRefresh
from lib.wake import wake


def at_once() -> None:
    """Has the exports made anew as soon as this transaction commits. The log must have gone on in it."""
    ExportRefresh.objects.get_or_create(pk=1)
    ExportRefresh.objects.update(due_at=timezone.now())
    wake("exports outdated")
