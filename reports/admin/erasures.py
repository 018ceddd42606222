"""Erasures: what was asked for, by whom, and the buttons that ask, confirm and drop."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from accounts import second_factor
from accounts.own_page import OwnPage
from reports import erasure
from reports.admin.acting import REFUSALS, actor, sentence
from reports.models import Erasure, ErasureReason, Report


class AskForm(forms.Form):
    """Which report, and why."""

    report = forms.ModelChoiceField(
        queryset=Report.objects.only("pk"),
        label="Report number",
        widget=forms.NumberInput(attrs={"min": 1}),
        error_messages={"invalid_choice": "There is no such report.", "required": "Which report?"},
    )
    reason = forms.ChoiceField(choices=[("", "Choose a reason"), *ErasureReason.choices])


_VERBS: dict[str, Callable[..., Erasure]] = {"confirm": erasure.confirm, "drop": erasure.drop}


@admin.register(Erasure)
class ErasureAdmin(OwnPage[Erasure]):
    """What was erased, and what waits for a second person."""

    list_display = ("report_number", "reason", "stands", "asked_by", "asked_at", "confirmed_by", "done_at")
    list_select_related = ("asked_by", "confirmed_by")
    show_full_result_count = False
    actions = None
    change_list_template = "admin/reports/erasure/list.html"
    page_template = "admin/reports/erasure/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    @admin.display(description="report", ordering="report")
    def report_number(self, row: Erasure) -> str:
        """Its number; there may be nothing more of it."""
        return f"Report {row.report_id}"

    @admin.display(description="state")
    def stands(self, row: Erasure) -> str:
        """In a word."""
        return "waits for a second person" if row.is_open else "done" if row.done_at else "dropped"

    def get_urls(self) -> list[URLPattern]:
        """The buttons' addresses before the admin's own."""
        wrap = self.admin_site.admin_view
        own = [
            path("ask/", wrap(self.ask_view), name="reports_erasure_ask"),
            path("<int:pk>/do/<slug:verb>/", wrap(self.act_view), name="reports_erasure_act"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the form that asks."""
        form = AskForm() if self._may(request) else None
        context = {"title": "Erasures", "form": form, "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def page_context(self, request: HttpRequest, row: Erasure) -> dict[str, Any]:
        """One erasure, with the buttons that are open to who looks."""
        return {
            "row": row,
            "stands": self.stands(row),
            "cases": row.report.cases.order_by("pk").select_related("incident"),
            "may_act": row.is_open and self._may(request),
            "is_yours": row.asked_by_id == actor(request).pk,
        }

    def ask_view(self, request: HttpRequest) -> HttpResponseBase:
        """Asks for an erasure."""
        self._require_button(request)
        form = AskForm(request.POST)
        if not form.is_valid():
            for problems in form.errors.get_json_data().values():
                messages.error(request, problems[0]["message"])
            return redirect("admin:reports_erasure_changelist")
        report, reason = form.cleaned_data["report"], ErasureReason(form.cleaned_data["reason"])
        try:
            asked = erasure.ask(report=report, by=actor(request), reason=reason)
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_erasure_changelist")
        messages.success(request, "Asked. Nothing is erased until somebody else confirms it.")
        return redirect("admin:reports_erasure_change", asked.pk)

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """Confirms or drops, by POST, with fresh proof of who does."""
        self._require_button(request)
        if verb not in _VERBS:
            raise Http404
        second_factor.require_recent(request)
        row = get_object_or_404(Erasure, pk=pk)
        try:
            _VERBS[verb](erasure=row, by=actor(request))
        except REFUSALS as error:
            messages.error(request, sentence(error))
        else:
            messages.success(request, "Erased." if verb == "confirm" else "Dropped; nothing was erased.")
        return redirect("admin:reports_erasure_change", row.pk)

    def _may(self, request: HttpRequest) -> bool:
        return actor(request).has_perm(erasure.PERMISSION)

    def _require_button(self, request: HttpRequest) -> None:
        if not self._may(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
