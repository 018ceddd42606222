"""How reports on one model came in: by day, and in groups of alike wording. Shown to moderators, never judged.

Reports that look independent are worth more than many copies of one; a flood of copies may be a campaign.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from accounts.models import User
from catalogue.models import Model
from reports.embargo import visible_reports
from reports.models import Fingerprint, Report
from reports.similarity import clusters

DAYS = 30
DAYS_BEFORE = 90
MOST_COMPARED = 500
FEWEST_UNUSUAL = 5
DEVIATIONS = 5


@dataclass(frozen=True)
class Day:
    """One day: how many reports came, and how many of them belong to the largest group of alike wording."""

    on: date
    reports: int
    alike: int


@dataclass(frozen=True)
class Group:
    """Reports of about the same wording, first to last."""

    reports: tuple[int, ...]
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Wave:
    """The last 30 days of one model. `usual` is reports a day in the 90 days before."""

    model: Model
    days: tuple[Day, ...]
    total: int
    groups: tuple[Group, ...]
    compared: int
    usual: float

    @property
    def busiest(self) -> Day:
        """The day with most reports."""
        return max(self.days, key=lambda day: day.reports)

    @property
    def unusual(self) -> bool:
        """Whether a day had at least five reports and five standard deviations (Poisson) more than usual."""
        return self.busiest.reports >= max(FEWEST_UNUSUAL, self.usual + DEVIATIONS * math.sqrt(max(self.usual, 0.2)))

    @property
    def largest(self) -> Group | None:
        """The largest group of more than one."""
        return self.groups[0] if self.groups and len(self.groups[0].reports) > 1 else None


def wave_of(model: Model, now: datetime, by: User | None = None) -> Wave:
    """Of the reports `by` may see; without `by`, of all. Four queries, whatever there is; compares the newest 500."""
    start = now - timedelta(days=DAYS - 1)
    about = Report.objects.filter(named_models__alias__model=model).distinct()
    about = visible_reports(about, by) if by else about
    recent = about.filter(submitted_at__date__gte=start.date(), submitted_at__lte=now)
    per_day = _by_day(recent)
    earlier = about.filter(submitted_at__date__gte=start.date() - timedelta(days=DAYS_BEFORE))
    before = earlier.filter(submitted_at__date__lt=start.date()).count()
    newest = list(recent.order_by("-submitted_at").values_list("pk", "submitted_at")[:MOST_COMPARED])
    groups = _groups(dict(newest))
    largest = groups[0].reports if groups and len(groups[0].reports) > 1 else ()
    alike = [moment.date() for pk, moment in newest if pk in set(largest)]
    days = (start.date() + timedelta(days=number) for number in range(DAYS))
    return Wave(
        model,
        days=tuple(Day(day, per_day.get(day, 0), alike.count(day)) for day in days),
        total=sum(per_day.values()),
        groups=groups,
        compared=len(newest),
        usual=before / DAYS_BEFORE,
    )


def _by_day(reports: QuerySet[Report]) -> dict[date, int]:
    rows = reports.order_by().annotate(day=TruncDate("submitted_at")).values_list("day")
    return dict(rows.annotate(number=Count("pk", distinct=True)))


def _groups(moments: dict[int, datetime]) -> tuple[Group, ...]:
    prints = Fingerprint.objects.filter(report__in=moments).values_list("report", "signature")
    signed: dict[int, Sequence[int]] = dict.fromkeys(moments, ()) | dict(prints)
    return tuple(
        Group(tuple(sorted(keys)), min(moments[key] for key in keys), max(moments[key] for key in keys))
        for keys in clusters(signed)
    )
