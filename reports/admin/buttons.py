"""The buttons of one report: each takes the request and the report, does one verb, and returns where to go.

A form that says `then=next` goes on with the next report of its lane instead.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from reports import grouping, leases, queue, workflow
from reports.admin import talks
from reports.admin.acting import actor
from reports.admin.decisions import ExistingCaseForm, RejectForm
from reports.lanes import LANES
from reports.models import RejectReason, Report

_LANES = {one.slug for one in LANES}


def lane_of(request: HttpRequest) -> str:
    """The lane a moderator works in, from the form or the address; "" for the whole queue."""
    slug = request.POST.get("lane") or request.GET.get("lane") or ""
    return slug if slug in _LANES else ""


def address(request: HttpRequest, name: str, *args: int) -> str:
    """A page of the console, in the same lane."""
    slug = lane_of(request)
    return reverse(f"admin:{name}", args=args) + (f"?{urlencode({'lane': slug})}" if slug else "")


def page_of(request: HttpRequest, report: Report) -> str:
    """A report's page, in the same lane."""
    return address(request, "reports_report_change", report.pk)


def go_on(request: HttpRequest) -> str:
    """Claims the next report of the lane; its page, or the queue where none waits."""
    report = queue.claim_next(by=actor(request), slug=lane_of(request) or "all")
    if report is None:
        messages.info(request, "No report waits for somebody to claim it.")
        return address(request, "reports_report_changelist")
    return page_of(request, report)


def _after(request: HttpRequest, otherwise: str) -> str:
    return go_on(request) if request.POST.get("then") == "next" else otherwise


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
    return _after(request, reverse("admin:reports_case_change", args=[case.pk]))


def _group(request: HttpRequest, report: Report) -> str:
    form = ExistingCaseForm(request.POST, report=report, by=actor(request))
    if not form.is_valid():
        return _explain(request, form, report)
    case = workflow.accept(report=report, by=actor(request), case=form.cleaned_data["chosen"])
    messages.success(request, f"Report {report.pk} is now in case {case.pk}.")
    return _after(request, reverse("admin:reports_case_change", args=[case.pk]))


def _add(request: HttpRequest, report: Report) -> str:
    form = ExistingCaseForm(request.POST, report=report, by=actor(request))
    if not form.is_valid():
        return _explain(request, form, report)
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
        return _explain(request, form, report)
    reason = RejectReason(form.cleaned_data["reason"])
    note, added = form.cleaned_data["note"], form.cleaned_data["added"]
    workflow.reject(report=report, by=actor(request), reason=reason, note=note, added=added)
    messages.success(request, f"Report {report.pk} was rejected: {reason.label.lower()}.")
    return _after(request, address(request, "reports_report_changelist"))


def _reopen(request: HttpRequest, report: Report) -> str:
    workflow.reopen(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} is back in the queue.")
    return page_of(request, report)


def _explain(request: HttpRequest, form: ExistingCaseForm | RejectForm, report: Report) -> str:
    for problems in form.errors.get_json_data().values():
        for problem in problems:
            messages.error(request, problem["message"])
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
}
