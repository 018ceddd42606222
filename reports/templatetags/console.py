"""What the console's templates need beyond Django."""

from typing import Any

from django import template
from django.utils import timezone

from accounts.models import User
from catalogue.models import Lookup

register = template.Library()


@register.simple_tag
def may_see_reports(user: User) -> bool:
    """Whether the queue concerns the visitor."""
    return user.has_perm("reports.view_report")


@register.simple_tag
def waiting_lookups(user: User) -> dict[str, Any] | None:
    """How the lookups stand, for those who may see them."""
    if not user.has_perm("catalogue.view_lookup"):
        return None
    return {
        "due": Lookup.objects.filter(parked_at=None, due_at__lte=timezone.now()).count(),
        "parked": Lookup.objects.exclude(parked_at=None).count(),
    }
