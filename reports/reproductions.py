"""How often a case was seen independently: its reports in clusters, and the number a moderator stands for.

Reports do not count twice that say about the same in the same words, point to the same evidence, come from the same
database, or came within minutes of each other. The rest is the moderator's judgement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from django.db import transaction

from accounts.models import User
from reports import release
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.duplicates import Subject, subjects_of
from reports.embargo import visible_reports
from reports.models import LIVE, Case, Report
from reports.similarity import ALIKE, groups, likeness

WINDOW = timedelta(minutes=30)
MOST_COMPARED = 200
MOST_REPRODUCTIONS = 1000


@dataclass(frozen=True)
class Seen:
    """One report and what is compared of it."""

    report: Report
    subject: Subject


@dataclass(frozen=True)
class Cluster:
    """Reports that count once, and why they do not count more."""

    reports: tuple[Report, ...]
    reasons: tuple[str, ...]


def clusters_of(case: Case, by: User | None = None) -> list[Cluster]:
    """The case's reports, or those of them `by` may see, the oldest first, in clusters of what does not count twice."""
    grouped = visible_reports(case.reports.all(), by) if by else case.reports.all()
    reports = list(grouped.order_by("submitted_at", "pk")[:MOST_COMPARED])
    seen = {one.pk: Seen(one, subject) for one, subject in zip(reports, subjects_of(reports), strict=True)}
    reasons = {(a, b): why for a, b in combinations(seen, 2) if (why := why_together(seen[a], seen[b]))}
    found = [sorted(keys, key=lambda key: (seen[key].report.submitted_at, key)) for keys in groups(seen, reasons)]
    return [
        Cluster(
            tuple(seen[key].report for key in keys),
            tuple(f"{a} and {b}: {why}" for (a, b), why in reasons.items() if a in keys),
        )
        for keys in sorted(found, key=lambda keys: seen[keys[0]].report.submitted_at)
    ]


def why_together(one: Seen, other: Seen) -> str:
    """Why two reports count once, "" where nothing says so."""
    return "; ".join(why for rule in _RULES if (why := rule(one, other)))


def _same_words(one: Seen, other: Seen) -> str:
    alike = likeness(one.subject.signature, other.subject.signature)
    return f"about {alike:.0%} the same wording" if alike >= ALIKE else ""


def _same_evidence(one: Seen, other: Seen) -> str:
    shared = one.subject.links & other.subject.links
    return f"the same link, {min(shared)}" if shared else ""


def _same_database(one: Seen, other: Seen) -> str:
    imported = one.report.source_id and other.report.source_id and one.report.source == other.report.source
    return f"both imported from {one.report.source}" if imported else ""


def _same_time(one: Seen, other: Seen) -> str:
    apart = abs(one.report.submitted_at - other.report.submitted_at)
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'} apart" if apart <= WINDOW else ""


_RULES: Sequence[Callable[[Seen, Seen], str]] = (_same_words, _same_evidence, _same_database, _same_time)


@transaction.atomic
def confirm(*, case: Case, by: Actor, number: int | None) -> None:
    """Says how often somebody independent of the first reporter made it happen again; None takes that back."""
    require(by, "reports.decide")
    row = Case.objects.select_for_update().get(pk=case.pk)
    refuse_conflict(by, case=row)
    if row.state not in LIVE:
        raise WrongStateError(f"case {row.pk} is {row.get_state_display().lower()}; what it says is final")
    if number is not None and not 0 <= number <= MOST_REPRODUCTIONS:
        raise NotReadyError([f"the number of reproductions is between 0 and {MOST_REPRODUCTIONS}"])
    row.reproductions = number
    row.save(update_fields=["reproductions"])
    reports, counted = row.reports.count(), len(clusters_of(row))
    said = "not counted" if number is None else str(number)
    record_activity(
        by, "count reproductions", case=row, note=f"{said}; at the time reports: {reports}, clusters: {counted}"
    )
    release.reconsider(case=row, by=by)
