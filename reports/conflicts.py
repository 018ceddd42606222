"""Conflicts of interest: nobody decides on their own report, or on a model of an organisation they belong to."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import Affiliation, User
from reports.actors import Actor, NotAllowedError
from reports.models import Activity, Case, NamedModel, Release, Report


def conflict_with_report(by: Actor, report: Report) -> str:
    """Why `by` may not decide on the report, as a sentence; "" where nothing is in the way."""
    if not isinstance(by, User):
        return ""
    if Activity.objects.filter(report=report, verb="submit", actor=by).exists():
        return "You sent this report: somebody else decides on it."
    named = report.named_models.all()
    return _sentence(one for one in by.affiliations.all() if named.filter(_owned(one, "asked")).exists())


def conflict_with_case(by: Actor, case: Case) -> str:
    """Why `by` may not decide on the case, as a sentence; "" where nothing is in the way."""
    if not isinstance(by, User):
        return ""
    if Activity.objects.filter(report__cases=case, verb="submit", actor=by).exists():
        return "You sent a report of this case: somebody else decides on it."
    return _sentence(one for one in by.affiliations.all() if case.models.filter(_owned(one, "name")).exists())


def refuse_conflict(by: Actor, *, report: Report | None = None, case: Case | None = None) -> None:
    """Raises NotAllowedError where `by` may not decide on the report or the case."""
    problem = (report and conflict_with_report(by, report)) or (case and conflict_with_case(by, case))
    if problem:
        raise NotAllowedError(problem)


def without_conflicts(reports: QuerySet[Report], by: Actor) -> QuerySet[Report]:
    """The reports among these that `by` may decide on."""
    if not isinstance(by, User):
        return reports
    own = Activity.objects.filter(verb="submit", actor=by, report__isnull=False).values("report")
    reports = reports.exclude(pk__in=own)
    for affiliation in by.affiliations.all():
        theirs = NamedModel.objects.filter(_owned(affiliation, "asked"))
        reports = reports.exclude(pk__in=theirs.values("report"))
    return reports


def has_published(by: Actor, case: Case) -> bool:
    """Whether `by` made a wording of the case public, or was the second person."""
    if by.pk is None:
        return False
    did = case.activities.filter(verb__in=("publish", "correct"), actor=by.pk).exists()
    return did or Release.objects.filter(case=case, second=by.pk, publication__isnull=False).exists()


def _owned(affiliation: Affiliation, name: str) -> Q:
    """Rows with an `alias`, or the name in column `name`, that name a model of the organisation."""
    start = f"{affiliation.organisation}/"
    listed = Q(alias__name__istartswith=start) | Q(alias__model__name__istartswith=start)
    if affiliation.hub:
        return listed & Q(alias__hub=affiliation.hub)
    return listed | Q(alias=None) & Q(**{f"{name}__istartswith": start})


def _sentence(affiliations: Iterable[Affiliation]) -> str:
    first = next(iter(affiliations), None)
    return f"You belong to {first.organisation}: somebody else decides on its models." if first else ""
