"""Imports in the console: the queue of names that wait for a moderator, and how each run went."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from accounts.own_page import OwnPage
from accounts.read_only import ReadOnly
from catalogue.hub import UnreadableReferenceError
from reports import matching
from reports.admin.acting import REFUSALS, actor, sentence
from reports.models import ImportRun, NamedModel, NameMatch

MAY_MATCH = "reports.decide"
_MOST_MODEL = 500


def _confirm(request: HttpRequest, match: NameMatch) -> str:
    model = request.POST.get("model", "").replace("\x00", "")[:_MOST_MODEL]
    row = matching.confirm(match=match, model=model, by=actor(request))
    alias = row.alias
    return f"{row.name} is {alias.name} on {alias.hub} from now on." if alias else ""


def _leave(request: HttpRequest, match: NameMatch) -> str:
    return f"{matching.leave(match=match, by=actor(request)).name} stays a name."


def _ask_again(request: HttpRequest, match: NameMatch) -> str:
    return f"{matching.ask_again(match=match, by=actor(request)).name} waits again."


_ACTS: dict[str, Callable[[HttpRequest, NameMatch], str]] = {
    "confirm": _confirm,
    "leave": _leave,
    "ask_again": _ask_again,
}


@admin.register(NameMatch)
class NameMatchAdmin(OwnPage[NameMatch]):
    """Names of models that lead to no hub by themselves; those that wait come first."""

    list_display = ("name", "stands", "alias", "found_in", "decided_by")
    list_filter = (("decided_at", admin.EmptyFieldListFilter),)
    list_select_related = ("alias", "decided_by")
    search_fields = ("name",)
    show_full_result_count = False
    actions = None
    page_template = "admin/reports/namematch/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[NameMatch]:
        """Undecided ones first."""
        return super().get_queryset(request).order_by(F("decided_at").desc(nulls_first=True), "name")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, over the whole width."""
        context = {"title": "Which model a name means", "is_nav_sidebar_enabled": False, **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description="state")
    def stands(self, row: NameMatch) -> str:
        """In a word."""
        return "waits" if not row.decided_at else "matched" if row.alias_id else "stays a name"

    def get_urls(self) -> list[URLPattern]:
        """The buttons' address before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/do/<slug:verb>/", wrap(self.act_view), name="reports_namematch_act"),
            *super().get_urls(),
        ]

    def page_context(self, request: HttpRequest, row: NameMatch) -> dict[str, Any]:
        """One name, with the buttons that are open to who looks."""
        return {
            "row": row,
            "stands": self.stands(row),
            "named": NamedModel.objects.filter(asked__iexact=row.name).count(),
            "may_act": actor(request).has_perm(MAY_MATCH),
        }

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """Matches, leaves, or takes that back, by POST."""
        if not actor(request).has_perm(MAY_MATCH):
            raise PermissionDenied
        if request.method != "POST" or verb not in _ACTS:
            raise Http404
        row = get_object_or_404(NameMatch, pk=pk)
        try:
            said = _ACTS[verb](request, row)
        except (*REFUSALS, UnreadableReferenceError) as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_namematch_change", row.pk)
        messages.success(request, said)
        return redirect("admin:reports_namematch_changelist")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly, admin.ModelAdmin):
    """How each reading of another database went, newest first."""

    list_display = ("feed", "started_at", "state", "counted", "note")
    list_filter = ("feed", "state")
    fields = ("feed", "started_at", "ended_at", "state", "counted", "note", "not_read")
    show_full_result_count = False
    actions = None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, over the whole width."""
        context = {"title": "Imports", "is_nav_sidebar_enabled": False, **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description="records")
    def counted(self, row: ImportRun) -> str:
        """How many had each result."""
        return ", ".join(f"{count} {result}" for result, count in sorted(row.counts.items()))

    @admin.display(description="could not be read")
    def not_read(self, row: ImportRun) -> str:
        """The first of them, and why."""
        return "; ".join(f"{source_id}: {reason}: {detail}" for source_id, reason, detail in row.broken)
