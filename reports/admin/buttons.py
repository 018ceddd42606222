"""The buttons of one report: each takes the request and the report, does one verb, and returns where to go.

A form that says `then=next` goes on with the next report of its lane instead.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from reports import grouping, leases, workflow
from reports.admin import talks
from reports.admin.acting import actor
from reports.admin.decisions import ExistingCaseForm, RejectForm
from reports.admin.onward import address, explain, go_on, go_on_if_asked, page_of
from reports.models import RejectReason, Report


def _claim(request: HttpRequest, report: Report) -> str:
    workflow.claim(report=report, by=actor(request))
    return page_of(request, report)


def _release(request: HttpRequest, report: Report) -> str:
    workflow.release(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} is back in the queue.")
    return address(request, "reports_report_changelist")


def _skip(request: HttpRequest, report: Report) -> str:
    leases.skip(report=report, by=actor(request))
    hours = int(leases.SKIPPED_FOR.total_seconds() // 3600)
    messages.success(request, f"Report {report.pk} is back in the queue; it is not offered to you for {hours} hours.")
    return go_on(request)


def _take_over(request: HttpRequest, report: Report) -> str:
    leases.steal(report=report, by=actor(request), reason=request.POST.get("reason", ""))
    messages.success(request, f"You hold report {report.pk} now. Who held it has been told.")
    return page_of(request, report)


def _accept(request: HttpRequest, report: Report) -> str:
    case = workflow.accept(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} opened case {case.pk}. Word it, then publish it.")
    return go_on_if_asked(request, reverse("admin:reports_case_change", args=[case.pk]))


def _group(request: HttpRequest, report: Report) -> str:
    form = ExistingCaseForm(request.POST, report=report, by=actor(request))
    if not form.is_valid():
        return explain(request, form, report)
    case = workflow.accept(report=report, by=actor(request), case=form.cleaned_data["chosen"])
    messages.success(request, f"Report {report.pk} is now in case {case.pk}.")
    return go_on_if_asked(request, reverse("admin:reports_case_change", args=[case.pk]))


def _add(request: HttpRequest, report: Report) -> str:
    form = ExistingCaseForm(request.POST, report=report, by=actor(request))
    if not form.is_valid():
        return explain(request, form, report)
    case = grouping.add(report=report, by=actor(request), case=form.cleaned_data["chosen"])
    messages.success(request, f"Report {report.pk} is now in case {case.pk} too.")
    return page_of(request, report)


def _open_another(request: HttpRequest, report: Report) -> str:
    case = grouping.add(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} opened case {case.pk} too.")
    return reverse("admin:reports_case_change", args=[case.pk])


def _reject(request: HttpRequest, report: Report) -> str:
    form = RejectForm(request.POST)
    if not form.is_valid():
        return explain(request, form, report)
    reason = RejectReason(form.cleaned_data["reason"])
    note, added = form.cleaned_data["note"], form.cleaned_data["added"]
    workflow.reject(report=report, by=actor(request), reason=reason, note=note, added=added)
    messages.success(request, f"Report {report.pk} was rejected: {reason.label.lower()}.")
    return go_on_if_asked(request, address(request, "reports_report_changelist"))


def _reopen(request: HttpRequest, report: Report) -> str:
    workflow.reopen(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} is back in the queue.")
    return page_of(request, report)


BUTTONS: dict[str, Callable[[HttpRequest, Report], str]] = {
    "claim": _claim,
    "release": _release,
    "skip": _skip,
    "take-over": _take_over,
    "accept": _accept,
    "group": _group,
    "add": _add,
    "open-another": _open_another,
    "reject": _reject,
    "reopen": _reopen,
    "say": talks.say,
    "take-back": talks.take_back,
    "ask": talks.ask,
    "resume": talks.resume,
    "appeal": talks.decide_appeal,
    "nothing-to-answer": talks.nothing_to_answer,
}
