"""What is about to become public, and the page on which a second person reads exactly what would change."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from pydantic import ValidationError

from accounts import step_up
from accounts.models import User
from accounts.own_page import OwnPage
from incidents.differences import Difference, differences
from reports import embargo, joining, release, workflow
from reports.actors import NotAllowedError
from reports.admin.acting import REFUSALS, actor, sentence
from reports.admin.release_panel import outcome
from reports.approval import approved_digest
from reports.conflicts import conflict_with_case
from reports.models import Case, Release, ReleaseState, ReleaseVerb
from reports.redaction import masked
from reports.second_person import needs_second, refuse_second


@admin.register(Release)
class ReleaseAdmin(OwnPage[Release]):
    """Every press of a button that makes something public, newest first."""

    list_display = ("__str__", "case_title", "state", "asked_by", "asked_at", "second", "due_at", "publication")
    list_filter = ("state", "verb")
    list_select_related = ("case", "asked_by", "second", "publication")
    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False
    actions = None
    page_template = "admin/reports/release/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}
        js = ("reports/countdown.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        """Of the cases that the person looking may see."""
        releases: QuerySet[Release] = super().get_queryset(request)
        cases = embargo.visible_cases(Case.objects.all(), actor(request))
        return releases.filter(case__in=cases.order_by().values("pk")).defer("publication__document")

    @admin.display(description="title")
    def case_title(self, row: Release) -> str:
        """What the case is about."""
        return masked(row.case.title)

    def get_urls(self) -> list[URLPattern]:
        """The buttons' address before the admin's own."""
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:pk>/do/<slug:act>/", act, name="reports_release_act"), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Release) -> dict[str, Any]:
        """One release: what it changes, and whether the person looking may be the second."""
        return {**_context(row, actor(request)), **step_up.press_again(request)}

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The activities of its case."""
        return redirect("admin:reports_case_history", self.found(request, object_id).case_id)

    def act_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
        """One verb on one release."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST" or act not in _ACTS:
            raise Http404
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        page = reverse("admin:reports_release_change", args=[pk])
        if act == "approve" and (proof := step_up.asked_for(request, page=page, press="approve")):
            return proof
        try:
            after = _ACTS[act](request, row)
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_release_change", pk)
        tone = messages.warning if after.state == ReleaseState.CANCELLED else messages.success
        tone(request, "Undone: nothing of it became public." if after.state == ReleaseState.UNDONE else outcome(after))
        return redirect("admin:reports_case_change", after.case_id)


def _context(row: Release, by: User) -> dict[str, Any]:
    case = Case.objects.select_related("incident").get(pk=row.case_id)
    changed = row.is_open and approved_digest(case, row.verb, row.notice, row.into) != row.approved_digest
    return {
        "release": row,
        "case": case,
        "reasons": needs_second(case, row.verb) if row.is_open else [],
        "changed": changed,
        "differences": _differences(case, row) if row.is_open else [],
        "hindrance": _hindrance(row, case, by),
        "may_release": by.has_perm("reports.publish") and not conflict_with_case(by, case),
    }


def _differences(case: Case, row: Release) -> list[Difference]:
    before = json.loads(bytes(case.incident.document)) if case.incident else None
    if row.verb == ReleaseVerb.ERASE:
        return differences(before, {})
    try:
        if row.into:
            after = joining.merged_record(case, row.into, row.notice).document()
        else:
            after = workflow.proposed(row.verb, case, notice=row.notice).document()
    except ValidationError:
        return []
    return differences(before, after)


def _hindrance(row: Release, case: Case, by: User) -> str:
    """Why `by` cannot be the second person, "" where they can."""
    if conflict := conflict_with_case(by, case):
        return conflict
    try:
        refuse_second(by, first=row.asked_by, case=case)
    except NotAllowedError as error:
        return str(error)
    return "" if by.has_perm("reports.publish") else "You may read this, not approve it."


def _approve(request: HttpRequest, row: Release) -> Release:
    return release.approve(release=row, by=actor(request), seen=request.POST.get("seen", ""))


def _decline(request: HttpRequest, row: Release) -> Release:
    reason = request.POST.get("reason", "").replace("\x00", "")
    return release.decline(release=row, by=actor(request), reason=reason)


def _retry(request: HttpRequest, row: Release) -> Release:
    return release.retry(release=row, by=actor(request))


def _undo(request: HttpRequest, row: Release) -> Release:
    return release.undo(release=row, by=actor(request))


_ACTS: dict[str, Callable[[HttpRequest, Release], Release]] = {
    "approve": _approve,
    "decline": _decline,
    "undo": _undo,
    "retry": _retry,
}
