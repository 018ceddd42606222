"""Records of other nodes that wait for a moderator, and those that were passed over."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse

from accounts import step_up
from accounts.own_page import OwnPage
from federation import applying
from federation.admin.acting import REFUSALS, actor, note, sentence
from federation.models import Outcome, Verdict
from incidents.leaves import BadLeafError, parse_leaf
from incidents.log_rules import BrokenRuleError, document_of

_MAY_DECIDE = "federation.change_outcome"


class VerdictFilter(admin.SimpleListFilter):
    """Those that wait, or those that were passed over."""

    title = "verdict"
    parameter_name = "verdict"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Both sides."""
        return [(verdict.value, str(verdict.label)) for verdict in (Verdict.WAITING, Verdict.REJECTED)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Outcome]) -> QuerySet[Outcome]:
        """One side of them."""
        return queryset.filter(verdict=self.value()) if self.value() else queryset


@admin.register(Outcome)
class OutcomeAdmin(OwnPage[Outcome]):
    """The inbox: what the policy for its node leaves to a moderator."""

    list_display = ("title", "peer", "category", "subject", "verdict", "reason", "at")
    list_filter = (VerdictFilter, "entry__peer")
    show_full_result_count = False
    list_per_page = 50
    actions = None
    page_template = "admin/federation/outcome/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outcome]:
        """Those that wait first, the longest wait before others."""
        outcomes: QuerySet[Outcome] = super().get_queryset(request)
        shown = outcomes.filter(verdict__in=[Verdict.WAITING, Verdict.REJECTED]).order_by("-verdict", "pk")
        return shown.select_related("entry", "entry__peer", "entry__object")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, over the whole width."""
        context = {"title": "Records of other nodes", "is_nav_sidebar_enabled": False, **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description="title")
    def title(self, row: Outcome) -> str:
        """As its node wrote it."""
        return str(_record(row).get("title") or f"entry {row.entry.index}")

    @admin.display(description="node")
    def peer(self, row: Outcome) -> str:
        """Whose log it stands in."""
        return row.entry.peer.domain

    @admin.display(description="category")
    def category(self, row: Outcome) -> str:
        """As its node says."""
        return str(_record(row).get("category", ""))

    @admin.display(description="id")
    def subject(self, row: Outcome) -> str:
        """The record's."""
        return row.entry.subject

    def get_urls(self) -> list[URLPattern]:
        """The buttons' address before the admin's own."""
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:pk>/do/<slug:verb>/", act, name="federation_outcome_act"), *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Outcome) -> dict[str, Any]:
        """The record as its node signed it, with the buttons that are open to who looks."""
        record = _record(row)
        return {
            **step_up.press_again(request),
            "title": record.get("title") or row.entry.subject,
            "row": row,
            "record": record,
            "document": json.dumps(record, ensure_ascii=False, indent=2) if record else "",
            "may_act": actor(request).has_perm(_MAY_DECIDE),
            "is_waiting": row.verdict == Verdict.WAITING,
        }

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """Shows it, passes over it, or takes that back, by POST."""
        if not actor(request).has_perm(_MAY_DECIDE):
            raise PermissionDenied
        if request.method != "POST" or verb not in _ACTS:
            raise Http404
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        page, reason = reverse("admin:federation_outcome_change", args=[pk]), _reason(request)
        if verb != "reject" and (proof := step_up.asked_for(request, page=page, press=verb)):
            return proof
        try:
            said = _ACTS[verb](row, reason)
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect(page)
        note(request, row, said)
        messages.success(request, said)
        return redirect("admin:federation_outcome_changelist")


def _record(row: Outcome) -> dict[str, Any]:
    """The document as it was received; empty where there is none that can be read."""
    try:
        document = document_of(parse_leaf(bytes(row.entry.leaf)), bytes(row.entry.object.body or b""))
        record: dict[str, Any] = json.loads(document)
    except (BadLeafError, BrokenRuleError, ValueError):
        return {}
    return record


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()


def _publish(row: Outcome, _reason: str) -> str:
    outcome = applying.accept(row.entry)
    if outcome.verdict != Verdict.SHOWN:
        return f"{row.entry.subject} is not shown: {outcome.get_verdict_display().lower()}, {outcome.reason}."
    return f"{row.entry.subject} of {row.entry.peer} is shown."


def _reject(row: Outcome, reason: str) -> str:
    applying.reject(row.entry, reason)
    return f"{row.entry.subject} of {row.entry.peer} was passed over."


def _ask_again(row: Outcome, _reason: str) -> str:
    outcome = applying.judge_again(row.entry)
    return f"{row.entry.subject} of {row.entry.peer} was judged again: {outcome.get_verdict_display().lower()}."


_ACTS: dict[str, Callable[[Outcome, str], str]] = {"publish": _publish, "reject": _reject, "ask_again": _ask_again}
