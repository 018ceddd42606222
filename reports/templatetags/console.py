"""What the console's templates need beyond Django."""

from typing import Any

from django import template
from django.utils import timezone

from accounts.models import User
from catalogue.models import Lookup
from reports.models import Report, ReportState

register = template.Library()


@register.simple_tag
def waiting_reports(user: User) -> dict[str, Any] | None:
    """How the queue stands, for those who may see it."""
    if not user.has_perm("reports.view_report"):
        return None
    unclaimed = Report.objects.filter(state=ReportState.RECEIVED)
    in_review = Report.objects.filter(state=ReportState.IN_REVIEW)
    return {
        "unclaimed": unclaimed.count(),
        "in_review": in_review.count(),
        "mine": in_review.filter(owner=user).count(),
        "oldest": unclaimed.order_by("submitted_at").values_list("submitted_at", flat=True).first(),
        "may_decide": user.has_perm("reports.decide"),
    }


@register.simple_tag
def waiting_lookups(user: User) -> dict[str, Any] | None:
    """How the lookups stand, for those who may see them."""
    if not user.has_perm("catalogue.view_lookup"):
        return None
    return {
        "due": Lookup.objects.filter(parked_at=None, due_at__lte=timezone.now()).count(),
        "parked": Lookup.objects.exclude(parked_at=None).count(),
    }
