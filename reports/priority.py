"""In which order reports are read: a product of four factors, shown as a word with its reasons, never as a number.

The order only sorts: it decides nothing, and within a word the oldest comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    Case,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone

from catalogue.models import UseCount
from incidents.record import Kind, Severity
from reports.models import NamedModel, RejectReason, Report

STALE_AFTER = timedelta(hours=48)
CORROBORATION_WITHIN = timedelta(days=30)
HIGH, MEDIUM, LOW = 3, 2, 1
WORDS = {HIGH: "high", MEDIUM: "medium", LOW: "low"}
# The product from which a word begins; products go from 1 to 108.
HIGH_FROM, MEDIUM_FROM = 18, 6
MANY_DOWNLOADS, SOME_DOWNLOADS, MANY_OTHERS = 1_000_000, 10_000, 3


@dataclass(frozen=True)
class Factor:
    """What makes a report urgent: its points as SQL over `with_priority`'s columns, and the reason in words, or ""."""

    points: Callable[[], Any]
    reason: Callable[[Any], str]


def _steps(value: Any, *thresholds: int) -> Any:
    """1, and 1 more for each threshold that `value` reaches. Asks for the value once: it may be a costly subquery."""
    reached = Func(value, Value(list(thresholds)), function="width_bucket", output_field=IntegerField())
    return ExpressionWrapper(reached + 1, output_field=IntegerField())


def _points(*steps: tuple[Q, int]) -> Case:
    """The points of the first condition that holds; 1 where none does."""
    conditions = [When(condition, then=Value(points)) for condition, points in steps]
    return Case(*conditions, default=Value(1), output_field=IntegerField())


def _stale() -> Q:
    return Q(submitted_at__lte=timezone.now() - STALE_AFTER)


def _of_downloads(report: Any) -> str:
    return f"up to {report.downloads:,} downloads a month" if report.downloads >= SOME_DOWNLOADS else ""


def _of_others(report: Any) -> str:
    others = report.others
    return f"{others} other {'report' if others == 1 else 'reports'} on its models" if others else ""


def _of_age(report: Any) -> str:
    return "waits for more than 48 hours" if timezone.now() - report.submitted_at >= STALE_AFTER else ""


_KINDS = {Kind.INCIDENT: (3, "harm is said to have happened"), Kind.HAZARD: (2, "a flaw that could do harm")}
# What the reporter claims goes before what the kind suggests.
_SEVERITIES = {
    Severity.CRITICAL: (6, "critical harm is claimed"),
    Severity.HIGH: (6, "high harm is claimed"),
    Severity.MODERATE: (2, "moderate harm is claimed"),
    Severity.LOW: (1, "low harm is claimed"),
    Severity.NEGLIGIBLE: (1, "next to no harm is claimed"),
}


def _harm() -> Case:
    claimed = ((Q(claimed_severity=severity), points) for severity, (points, _reason) in _SEVERITIES.items())
    return _points(*claimed, *((Q(kind=kind), points) for kind, (points, _reason) in _KINDS.items()))


def _of_harm(report: Any) -> str:
    claimed = _SEVERITIES.get(report.claimed_severity)
    return (claimed or _KINDS.get(report.kind, (1, "")))[1]


# Harm claimed, corroboration, exposure, age.
FACTORS = (
    Factor(_harm, _of_harm),
    Factor(lambda: _steps(F("others"), 1, MANY_OTHERS), _of_others),
    Factor(lambda: _steps(F("downloads"), SOME_DOWNLOADS, MANY_DOWNLOADS), _of_downloads),
    Factor(lambda: _points((_stale(), 2)), _of_age),
)


def with_priority(reports: QuerySet[Report]) -> QuerySet[Report]:
    """With `others` (on its most reported model), `downloads` (of the most used) and `priority` (HIGH to LOW)."""
    product: Any = Value(1)
    for factor in FACTORS:
        product = product * factor.points()
    return reports.annotate(others=_others(), downloads=_downloads()).annotate(
        priority=_steps(ExpressionWrapper(product, output_field=IntegerField()), MEDIUM_FROM, HIGH_FROM)
    )


def most_urgent_first() -> tuple[Any, ...]:
    """The order of the queue, for rows `with_priority`."""
    return (F("priority").desc(), F("submitted_at").asc(), F("pk").asc())


def reasons(report: Any) -> list[str]:
    """Why a report `with_priority` has the word it has."""
    return [reason for factor in FACTORS if (reason := factor.reason(report))]


def _others() -> Any:
    """Other reports of the last 30 days on its most reported model, under any of its names, spam left out."""
    since = timezone.now() - CORROBORATION_WITHIN
    # Counted once for all models, as an uncorrelated subquery, and looked up for each row: counting for each row anew
    # costs the square of the reports on a model.
    by_alias = RawSQL(_BY_ALIAS, [since, RejectReason.SPAM.value])  # noqa: S611 - constant text, values apart
    on_model = Func(by_alias, Cast("alias_id", TextField()), template="(%(expressions)s)", arg_joiner=" ->> ")
    named = NamedModel.objects.filter(report=OuterRef("pk"), alias__isnull=False)
    most = Coalesce(_one_value(named, Max(Cast(on_model, IntegerField()))), Value(0))
    itself = Q(submitted_at__gte=since) & ~Q(reject_reason=RejectReason.SPAM)
    # Where one counts, every model of it counts it.
    return Greatest(most - _points_or_none(itself), Value(0), output_field=IntegerField())


_BY_ALIAS = """(SELECT jsonb_object_agg(alias.id, reports) FROM catalogue_alias AS alias JOIN (
    SELECT alias.model_id, count(DISTINCT report.id) AS reports FROM reports_report AS report
    JOIN reports_namedmodel AS named ON named.report_id = report.id
    JOIN catalogue_alias AS alias ON alias.id = named.alias_id
    WHERE report.submitted_at >= %s AND report.reject_reason <> %s GROUP BY alias.model_id
) AS counted USING (model_id))"""


def _points_or_none(condition: Q) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _downloads() -> Coalesce:
    """The most downloads in 30 days that a hub counted for one of its models."""
    own = NamedModel.objects.filter(report=OuterRef(OuterRef("pk")), alias__isnull=False).values("alias__model")
    return Coalesce(_one_value(UseCount.objects.filter(model__in=own), Max("downloads")), Value(0))


def _one_value(rows: QuerySet[Any], aggregate: Any) -> Subquery:
    whole = rows.order_by().values(whole=Value(1)).annotate(found=aggregate).values("found")
    return Subquery(whole, output_field=IntegerField())
