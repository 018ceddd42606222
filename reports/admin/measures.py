"""The page of metrics: how the queue does."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import User
from reports import metrics
from reports.admin.charts import columns
from reports.admin.choices import category_title
from reports.lane_times import times_by_lane
from reports.lanes import lane
from reports.metrics import ALL, Spread

PERIODS = (7, 30, 90, 365)
PERMISSION, TEAM = "reports.view_metrics", "reports.view_team"


def page(request: HttpRequest, by: User, shell: dict[str, Any]) -> HttpResponse:
    """The page; `shell` is what every page of the console shows."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked.isdecimal() and int(asked) in PERIODS else 30
    since, now = metrics.period(days)
    flow = metrics.by_day(since, now)
    acted, decided = metrics.times(since)
    lanes_acted, lanes_decided = times_by_lane(since)
    context = {
        **shell,
        "title": "How the queue does",
        "days": days,
        "periods": PERIODS,
        "flow": flow,
        "received": sum(day.received for day in flow),
        "decided_in_all": sum(day.decided for day in flow),
        "chart": columns(
            [day.day.isoformat() for day in flow], [day.received for day in flow], [day.decided for day in flow]
        ),
        "backlog": _titled(metrics.backlog(timezone.now())),
        "acted": _titled(acted),
        "decided": _titled(decided),
        "lanes_acted": _in_lanes(lanes_acted),
        "lanes_decided": _in_lanes(lanes_decided),
        "outcomes": metrics.outcomes(since),
        "publishers": metrics.publishers(since),
        "team": metrics.team(since) if by.has_perm(TEAM) else None,
        "is_nav_sidebar_enabled": False,
    }
    return TemplateResponse(request, "admin/reports/metrics.html", context)


def _in_lanes(spreads: list[Spread]) -> list[tuple[str, Spread]]:
    return [(lane(spread.name).title, spread) for spread in spreads]


def _titled(spreads: list[Spread]) -> list[tuple[str, Spread]]:
    return [("All" if spread.name == ALL else category_title(spread.name), spread) for spread in spreads]
