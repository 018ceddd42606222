"""Where a button of the queue leads: the report it was pressed on, the next one of its lane, or the queue."""

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from reports import queue
from reports.admin.acting import actor
from reports.lanes import LANES
from reports.models import Report

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


def go_on_if_asked(request: HttpRequest, otherwise: str) -> str:
    """The next report of the lane where the form says `then=next`."""
    return go_on(request) if request.POST.get("then") == "next" else otherwise


def explain(request: HttpRequest, form: forms.Form, report: Report) -> str:
    """The report's page, with what is wrong with the form."""
    for problems in form.errors.get_json_data().values():
        for problem in problems:
            messages.error(request, problem["message"])
    return page_of(request, report)
