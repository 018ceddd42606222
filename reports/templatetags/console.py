"""What the console's templates need beyond Django."""

from typing import Any

from django import template
from django.utils import timezone

from accounts.models import User
from catalogue.models import Lookup
from reports.embargo import visible_cases
from reports.models import Case, Release, ReleaseState, Report, Statement, StatementState
from reports.redaction import masked

register = template.Library()


@register.simple_tag
def may_see_reports(user: User) -> bool:
    """Whether the queue concerns the visitor."""
    return user.has_perm("reports.view_report")


@register.simple_tag
def waiting_releases(user: User) -> dict[str, int] | None:
    """What waits for a second person or for a word on a publisher's statement, for those who may publish."""
    if not user.has_perm("reports.publish"):
        return None
    cases = visible_cases(Case.objects.all(), user).order_by().values("pk")
    return {
        "awaiting": Release.objects.filter(state=ReleaseState.AWAITING, case__in=cases).exclude(asked_by=user).count(),
        "scheduled": Release.objects.filter(state=ReleaseState.SCHEDULED, case__in=cases).count(),
        "statements": Statement.objects.filter(state=StatementState.RECEIVED, case__in=cases).count(),
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
def unread_title(row: Report | Case) -> str:
    """A title that nobody may have decided on yet: what may be personal data in it is masked."""
    return masked(row.title)


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in the largest unit that leaves two figures: "40 s", "12 min", "5.2 h", "3.1 d"; a dash for None."""
    if seconds is None:
        return "-"
    for size, unit, places in ((86_400, "d", 1), (3600, "h", 1), (60, "min", 0)):
        if seconds >= size:
            return f"{seconds / size:.{places}f} {unit}"
    return f"{seconds:.0f} s"
