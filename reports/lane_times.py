"""How long the lanes of the queue wait: until somebody acts, and until the decision. Seconds, as `reports.metrics`.

A report counts in every lane where its facts put it now; its priority may have been another when it was decided.
"""

from collections.abc import Iterable
from datetime import datetime
from statistics import quantiles
from typing import Any

from django.db.models import Min, OuterRef, Q, QuerySet, Subquery

from reports.conversation import DEALS_WITH
from reports.lanes import LANES, Lane
from reports.metrics import Spread
from reports.models import Activity, Appeal, Message, MessageKind, Report
from reports.priority import with_priority

_DECIDED = ("accept", "reject")
Times = list[tuple[float | None, float | None]]


def times_by_lane(since: datetime) -> tuple[list[Spread], list[Spread]]:
    """For what came since, in the order of the lanes: to the first action, and to the decision; imports left out.

    In the lanes of reporters' words both count from the appeal, the message or the question.
    """
    found = {one.slug: _times(one, since) for one in LANES if one.slug != "stale"}
    acted = [_spread(slug, (first for first, _ in times)) for slug, times in found.items()]
    return acted, [_spread(slug, (last for _, last in times)) for slug, times in found.items()]


def _times(one: Lane, since: datetime) -> Times:
    if one.undecided:
        return _of_reports(one, since)
    return _OF_WORDS[one.slug](since)


def _of_reports(one: Lane, since: datetime) -> Times:
    came = Report.objects.filter(submitted_at__gte=since, source_id="")
    # Only what asks for it pays for the priority.
    rows = (came if one.high is None else with_priority(came)).filter(one.of())
    done = _acts(report=OuterRef("pk"))
    rows = rows.annotate(acted=_first(done), decided=_first(done.filter(verb__in=_DECIDED)))
    return _seconds(rows.values_list("submitted_at", "acted", "decided"))


def _of_appeals(since: datetime) -> Times:
    acted = _acts(report=OuterRef("report"), at__gt=OuterRef("at"))
    rows = Appeal.objects.filter(at__gte=since).annotate(acted=_first(acted))
    return _seconds(rows.values_list("at", "acted", "decided_at"))


def _of_messages(since: datetime) -> Times:
    said = Message.objects.filter(from_reporter=True, at__gte=since).exclude(kind=MessageKind.APPEAL)
    dealt = _acts(report=OuterRef("report"), at__gt=OuterRef("at"))
    rows = said.annotate(acted=_first(dealt), dealt=_first(dealt.filter(verb__in=DEALS_WITH)))
    return _seconds(rows.values_list("at", "acted", "dealt"))


def _of_questions(since: datetime) -> Times:
    """Here the reporter is who acts."""
    asked = Message.objects.filter(kind=MessageKind.QUESTION, at__gte=since)
    answered = Activity.objects.filter(
        Q(verb="answer") | Q(verb="add evidence", actor=None), report=OuterRef("report"), at__gt=OuterRef("at")
    )
    decided = _acts(report=OuterRef("report"), at__gt=OuterRef("at"), verb__in=_DECIDED)
    rows = asked.annotate(acted=_first(answered), decided=_first(decided))
    return _seconds(rows.values_list("at", "acted", "decided"))


_OF_WORDS = {"appeals": _of_appeals, "written": _of_messages, "asked": _of_questions}


def _acts(**conditions: Any) -> QuerySet[Activity]:
    return Activity.objects.filter(actor__isnull=False, **conditions).exclude(verb="submit")


def _first(acts: QuerySet[Activity]) -> Subquery:
    return Subquery(acts.order_by().values("report").annotate(first=Min("at")).values("first"))


def _seconds(rows: Iterable[tuple[datetime, datetime | None, datetime | None]]) -> Times:
    return [
        ((first - began).total_seconds() if first else None, (last - began).total_seconds() if last else None)
        for began, first, last in rows
    ]


def _spread(slug: str, seconds: Iterable[float | None]) -> Spread:
    known = [one for one in seconds if one is not None]
    if not known:
        return Spread(slug, 0, None, None)
    if len(known) == 1:
        return Spread(slug, 1, known[0], known[0])
    cuts = quantiles(known, n=20, method="inclusive")
    return Spread(slug, len(known), cuts[9], cuts[18])
