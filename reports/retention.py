"""What is kept for a time only, and goes by itself when its time is over.

What is due is read from what happened, not from a date somebody had to remember to write. A part that keeps something
for a time joins with one line in `EXPIRE`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from reports import evidence
from reports.actors import Software, record_activity
from reports.models import UNDECIDED, Activity, Case, CaseState, Contact, Evidence, ReportState

# So many rows in one transaction at most; the next beat takes the next ones.
BATCH = 500
RETENTION = Software("retention")


def expire_due(now: datetime | None = None) -> dict[str, int]:
    """Removes what is due; returns how many rows of each kind. Any number may run at once."""
    return {name: expire(now or timezone.now()) for name, expire in EXPIRE.items()}


def contacts_due(now: datetime) -> QuerySet[Contact]:
    """Contacts of reports that are decided, in no open case, and untouched for `settings.CONTACT_DAYS`."""
    since = now - timedelta(days=settings.CONTACT_DAYS)
    recent = Activity.objects.filter(at__gt=since)
    return Contact.objects.exclude(report__state__in=UNDECIDED).exclude(
        Exists(recent.filter(report=OuterRef("report")))
        | Exists(recent.filter(case__reports=OuterRef("report")))
        | Exists(Case.objects.filter(reports=OuterRef("report"), state=CaseState.OPEN))
    )


@transaction.atomic
def _contacts(now: datetime) -> int:
    due = list(contacts_due(now).select_for_update(skip_locked=True, of=("self",)).select_related("report")[:BATCH])
    for contact in due:
        contact.delete()
        record_activity(RETENTION, "forget contact", report=contact.report)
    return len(due)


def evidence_due(now: datetime) -> QuerySet[Evidence]:
    """Files of reports that came to nothing: rejected or taken back, in no case, without an open appeal.

    And untouched for `settings.EVIDENCE_DAYS`, which leaves time to appeal.
    """
    recent = Activity.objects.filter(at__gt=now - timedelta(days=settings.EVIDENCE_DAYS))
    came_to_nothing = Evidence.objects.filter(report__state__in=(ReportState.REJECTED, ReportState.WITHDRAWN))
    return came_to_nothing.exclude(report__appeal__outcome="").exclude(
        Exists(recent.filter(report=OuterRef("report"))) | Exists(Case.objects.filter(reports=OuterRef("report")))
    )


@transaction.atomic
def _evidence(now: datetime) -> int:
    due = list(evidence_due(now).select_for_update(skip_locked=True, of=("self",)).select_related("report")[:BATCH])
    for one in due:
        evidence.forget(evidence=one, by=RETENTION, reason="Its time was over.")
    return len(due)


def _sessions(now: datetime) -> int:
    """Ended logins; a session may hold what somebody was about to send."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


# Others join here: "drafts": drafts.expire.
EXPIRE: dict[str, Callable[[datetime], int]] = {"contacts": _contacts, "evidence": _evidence, "sessions": _sessions}
