"""Everything a moderator needs to decide on one report."""

from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from catalogue.models import Model
from incidents import search
from incidents.models import Incident
from incidents.record import MEANINGS, Kind
from reports import redacting
from reports.admin import beside, talks
from reports.admin.acting import open_moves
from reports.admin.choices import category_title
from reports.admin.claims import claims_of
from reports.admin.decisions import ExistingCaseForm, RejectForm
from reports.admin.facts import Facts, facts_of, findings_of
from reports.conflicts import conflict_with_report
from reports.embargo import visible_cases, visible_reports
from reports.lanes import AWAITING
from reports.models import Activity, Contact, NamedModel, Report, ReportState
from reports.notices import status_of
from reports.priority import LOW, WORDS, reasons, with_priority
from reports.track_record import track_record
from reports.workflow import REPORT_MOVES

MOST_SHOWN = 20


def context(report: Report, by: User) -> dict[str, Any]:
    """What the page shows, and the forms `by` may use."""
    named = list(_named(report))
    conflict = conflict_with_report(by, report)
    holder = report.holder
    mine = holder is not None and holder == by
    may_add = report.state == ReportState.ACCEPTED and by.has_perm("reports.decide") and not conflict
    moves = _moves(report, by, mine=mine)
    moves = moves & {"release"} if conflict else moves
    urgent = with_priority(Report.objects.filter(pk=report.pk)).get()
    title, text = redacting.readable(report)
    models: list[Model] = [one.alias.model for one in named if one.alias]
    return {
        "report": report,
        "claims": claims_of(report),
        "shown_title": title,
        "text": text,
        "may_see_unredacted": by.has_perm(redacting.VIEW_UNREDACTED) and not conflict,
        "beside": beside.models_beside(models, report.submitted_at, by),
        "likely": beside.duplicates_of_report(report, by),
        "track_record": track_record(report, by),
        "category": category_title(report.category),
        "kind_meaning": MEANINGS[Kind][report.kind],
        "named": [(one, _facts(one), findings_of(one.alias.model) if one.alias else None) for one in named],
        "other_reports": list(visible_reports(_other_reports(report, named), by)[:MOST_SHOWN]),
        "incidents": _incidents(named),
        "evidence": list(report.evidence.all()) if by.has_perm("reports.view_evidence") else [],
        "cases": list(visible_cases(report.cases.all(), by).select_related("incident").order_by("pk")),
        "moves": moves,
        "conflict": conflict,
        "held_by_other": holder if holder not in (None, by) else None,
        "held_by_me": mine,
        "may_skip": by.has_perm("reports.decide") and not conflict and (mine or "reject" in moves),
        "may_take_over": holder not in (None, by) and by.has_perm("reports.decide") and not conflict,
        "may_add": may_add,
        "priority": WORDS[getattr(urgent, "priority", LOW)],
        "priority_reasons": reasons(urgent),
        "undecided": report.state in AWAITING,
        "reporter_reads": status_of(report).text if report.receipt_key else "",
        "has_contact": Contact.objects.filter(report=report).exists(),
        "may_see_contact": by.has_perm("reports.view_contact") and not conflict,
        "group_form": ExistingCaseForm(report=report, by=by) if "accept" in moves or may_add else None,
        "reject_form": RejectForm() if "reject" in moves else None,
        "timeline": timeline(report.activities.all()),
        **talks.context(report, by, moves),
    }


def _moves(report: Report, by: User, *, mine: bool) -> set[str]:
    moves = open_moves(REPORT_MOVES, report.state, by) if report.holder in (None, by) else set()
    if mine:
        return moves - {"claim"}
    return moves - {"release"} if report.state == ReportState.IN_REVIEW else moves


def timeline(activities: QuerySet[Activity]) -> list[Activity]:
    """What was done, oldest first, ready to show."""
    return list(activities.select_related("report", "case").order_by("pk"))


def _named(report: Report) -> QuerySet[NamedModel]:
    return report.named_models.select_related("alias__model").prefetch_related("alias__lookups").order_by("pk")


def _facts(named: NamedModel) -> Facts:
    return facts_of(named, named.asked)


def _other_reports(report: Report, named: list[NamedModel]) -> QuerySet[Report]:
    models = [one.alias.model_id for one in named if one.alias]
    names = [one.asked for one in named if not one.alias]
    same = Q(named_models__alias__model__in=models) | Q(named_models__alias=None, named_models__asked__in=names)
    rows = Report.objects.filter(same).exclude(pk=report.pk)
    return rows.defer("text").distinct().order_by("-submitted_at", "-pk")


def _incidents(named: list[NamedModel]) -> list[Incident]:
    found: dict[int, Incident] = {}
    for model in {one.alias.model for one in named if one.alias}:
        names = [alias.name for alias in model.aliases.all()]
        rows = search.of_model(model.hub, names, model.stable_id or "").defer("document")
        found.update({incident.pk: incident for incident in rows.order_by("-published_at")[:MOST_SHOWN]})
    return sorted(found.values(), key=lambda incident: incident.published_at, reverse=True)[:MOST_SHOWN]
