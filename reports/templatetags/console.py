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


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in the largest unit that leaves two figures: "40 s", "12 min", "5.2 h", "3.1 d"; a dash for None."""
    if seconds is None:
        return "-"
    for size, unit, places in ((86_400, "d", 1), (3600, "h", 1), (60, "min", 0)):
        if seconds >= size:
            return f"{seconds / size:.{places}f} {unit}"
    return f"{seconds:.0f} s"
