"""The bar on every page of the console: next, undo, what a moderator was told, and the keyboard."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import RequestContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from reports import merging, queue, undoing
from reports.lanes import LANES
from reports.models import ConsoleMessage, ConsolePreference, Report

register = template.Library()

KEYS = (
    ("n", "Next report of the lane, claimed for you"),
    ("c", "Claim this report"),
    ("a", "Accept into a new case, then word it"),
    ("A", "Accept into a new case, then the next report"),
    ("m", "Merge: accept into an existing case, or merge this case into another"),
    ("d", "Decline: choose why, then Enter; or choose what becomes of an appeal"),
    ("w", "Save the wording of a case"),
    ("p", "Publish a case as it is saved, or correct its record"),
    ("s", "Skip: back into the queue, then the next report"),
    ("r", "Release back into the queue"),
    ("u", "Undo what is about to become public, or what you last decided, within 30 seconds"),
    ("j k", "Next and previous row of a list; Enter opens it, x chooses it"),
    ("l", "The list of what waits"),
    ("?", "This help"),
)


@register.inclusion_tag("admin/reports/bar.html", takes_context=True)
def handling_bar(context: RequestContext) -> dict[str, Any]:
    """What the bar shows; nothing to those who may not see reports."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User) or not user.has_perm("reports.view_report"):
        return {"bar": None}
    slug = request.GET.get("lane", "")
    titles = {one.slug: one.title for one in LANES}
    held = Report.objects.filter(owner=user, held_until__gt=timezone.now())
    preference = ConsolePreference.objects.filter(account=user).first()
    changelist = reverse("admin:reports_report_changelist")
    return {
        "csrf_token": context.get("csrf_token"),
        "bar": {
            "may_decide": user.has_perm("reports.decide"),
            "lane": slug if slug in titles else "",
            "lane_title": titles.get(slug, "") if slug != "all" else "",
            "queue": f"{changelist}?{urlencode({'lane': slug})}" if slug in titles else changelist,
            "held": held.count(),
            "shortcuts": preference.shortcuts if preference else True,
            "keys": KEYS,
            "here": request.get_full_path(),
            "undo": _undo(user),
            "told": list(ConsoleMessage.objects.filter(account=user, dismissed_at=None)[:10]),
        },
    }


def _undo(user: User) -> dict[str, Any] | None:
    """Whatever `user` did last, while it can be taken back: where, what, and for how long."""
    decisions, merged = undoing.latest(user), merging.latest(user)
    if merged and not (decisions and decisions[-1].at > merged.at):
        words = f"merge case {merged.case_id} into case {merged.into_id}"
        return {
            "url": reverse("admin:reports_case_group", args=[merged.case_id, "undo-merge"]),
            **_left(words, merged.at),
        }
    if not decisions:
        return None
    last = decisions[-1]
    subject = f"report {last.report_id}" if len(decisions) == 1 else f"{len(decisions)} reports"
    url = reverse("admin:reports_report_undo", args=[last.batch])
    return {"url": url, **_left(f"{last.verb} {subject}", last.at)}


def _left(words: str, at: datetime) -> dict[str, Any]:
    left = undoing.UNDO_FOR - (timezone.now() - at)
    return {"words": words, "seconds": max(1, int(left.total_seconds()))}


@register.simple_tag
def lanes(user: User) -> list[queue.LaneCount]:
    """How every lane stands, for those who may see reports."""
    return queue.counts(user) if user.has_perm("reports.view_report") else []
