"""The queue of reports, and one report on one screen."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil

from accounts.own_page import OwnPage
from lib.seal import UnreadableSealError
from reports import redacting, workflow
from reports.admin import facts, report_page, talks
from reports.admin.acting import REFUSALS, actor, sentence
from reports.admin.buttons import BUTTONS
from reports.admin.choices import category_title
from reports.admin.decisions import RejectForm
from reports.admin.filters import FILTERS
from reports.admin.handling import dry_run
from reports.admin.handling import urls as handling_urls
from reports.admin.onward import explain, lane_of, page_of
from reports.bulk import MOST_AT_ONCE
from reports.embargo import visible_reports
from reports.lanes import lane
from reports.models import NamedModel, Report, ReportState, SavedFilter
from reports.priority import LOW, WORDS, most_urgent_first, reasons, with_priority
from reports.queue import counts
from reports.redaction import masked

MOST_MODELS_IN_A_ROW = 3
MOST_OF_A_NAME = 60


class Queue(ChangeList):
    """The list as it is without a choice of column: the most urgent first, then the oldest."""

    def _get_default_ordering(self) -> Any:
        return most_urgent_first()


@admin.register(Report)
class ReportAdmin(OwnPage[Report]):
    """What waits, the most urgent first; one report with everything a decision needs. Every button is one verb."""

    list_display = (
        *("shown_title", "shown_priority", "age", "shown_state", "holder"),
        *("shown_category", "kind", "models", "source"),
    )
    list_filter = FILTERS
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("title", "text", "named_models__asked")
    search_help_text = "Searches title, text and models."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("reject_chosen",)
    change_list_template = "admin/reports/report/queue.html"
    page_template = "admin/reports/report/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """With everything a row shows."""
        named = NamedModel.objects.select_related("alias").prefetch_related("alias__lookups").order_by("pk")
        reports = visible_reports(super().get_queryset(request), actor(request))
        return with_priority(reports).prefetch_related(Prefetch("named_models", queryset=named))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002 - as Django calls it
        """In the queue's order."""
        return Queue

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor may decide on reports."""
        return request.user.has_perm("reports.decide")

    @admin.action(description="Reject the chosen reports", permissions=["decide"])
    def reject_chosen(self, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponseBase:
        """Shows what rejecting them would do."""
        # One more than may be, so that too many are counted as such.
        return dry_run(request, list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1]))

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest | None = None) -> bool:  # noqa: ARG002 - Django looks for `request`
        """Only the filters above: an address must not become a question about a receipt or a contact."""
        return lookup in {one.parameter_name for one in self.list_filter}

    # --- Columns ---------------------------------------------------------------------------------------------------
    @admin.display(description="report")
    def shown_title(self, report: Report) -> str:
        """Its number, and its title if it has one."""
        return f"{report.pk}. {masked(report.title) or 'Without a title'}"

    @admin.display(description="priority", ordering="priority")
    def shown_priority(self, report: Report) -> SafeString:
        """A word, with its reasons."""
        word = WORDS[getattr(report, "priority", LOW)]
        why = "; ".join(reasons(report)) or "nothing makes it urgent"
        return format_html(
            '<span class="fl-label fl-priority-{}">{}</span><div class="fl-why">{}</div>', word, word, why
        )

    @admin.display(description="held by")
    def holder(self, report: Report) -> SafeString | str:
        """Who has it, and for how long."""
        held_until = report.held_until
        if report.holder is None or held_until is None:
            return "nobody any more" if report.state == ReportState.IN_REVIEW else "-"
        return format_html('{}<div class="fl-why">for {}</div>', report.holder, timeuntil(held_until, depth=1))

    @admin.display(ordering="submitted_at")
    def age(self, report: Report) -> SafeString:
        """How long ago it came."""
        when = report.submitted_at
        shown = (when.isoformat(), f"{when:%Y-%m-%d %H:%M} UTC", timesince(when, depth=1))
        return format_html('<time datetime="{}" title="{}">{}</time>', *shown)

    @admin.display(description="state", ordering="state")
    def shown_state(self, report: Report) -> SafeString:
        """Its state as a label."""
        return format_html('<span class="fl-label fl-{}">{}</span>', report.state, report.get_state_display())

    @admin.display(description="category", ordering="category")
    def shown_category(self, report: Report) -> str:
        """Its category's title."""
        return category_title(report.category)

    @admin.display
    def models(self, report: Report) -> SafeString:
        """The models as named, with what the hub said."""
        named = list(report.named_models.all())
        shown = (_model_cell(one) for one in named[:MOST_MODELS_IN_A_ROW])
        rows = format_html_join("", '<li title="{}">{} <span class="fl-outcome fl-{}">{}</span></li>', shown)
        more = len(named) - MOST_MODELS_IN_A_ROW
        last = format_html("<li>and {} more</li>", more) if more > 0 else ""
        return format_html('<ul class="fl-models">{}{}</ul>', rows, last)

    # --- Pages -----------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """The buttons' addresses before the admin's own."""
        wrap = self.admin_site.admin_view
        own = [
            *handling_urls(wrap),
            path("<int:pk>/contact/", wrap(self.contact_view), name="reports_report_contact"),
            path("<int:pk>/original/", wrap(self.original_view), name="reports_report_original"),
            path("<int:pk>/do/<slug:verb>/", wrap(self.act_view), name="reports_report_act"),
            path("<int:pk>/preview/<slug:verb>/", wrap(self.preview_view), name="reports_report_preview"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The queue."""
        by, chosen = actor(request), request.GET.get("lane", "")
        context = {
            "title": "Reports",
            "is_nav_sidebar_enabled": False,
            "lanes": counts(by),
            "chosen_lane": lane(chosen),
            "saved_filters": list(SavedFilter.objects.filter(account=by)),
            "query": request.GET.urlencode(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def page_context(self, request: HttpRequest, row: Report) -> dict[str, Any]:
        """One report, to read and decide on."""
        shown = report_page.context(row, actor(request))
        return {**shown, "title": shown["shown_title"] or f"Report {row.pk}", "lane": lane_of(request)}

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The activities of one report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(f"{reverse('admin:reports_activity_changelist')}?{urlencode({'report__id__exact': object_id})}")

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """One verb on one report."""
        self._require_button(request)
        act = BUTTONS.get(verb)
        if act is None:
            raise Http404
        report = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            return redirect(act(request, report))
        except REFUSALS as error:
            messages.error(request, sentence(error))
        return redirect(page_of(request, report))

    def preview_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """The report's page with the reply its reporter would read, and the form as filled in. Sends nothing."""
        self._require_button(request)
        if verb not in _PREVIEWS:
            raise Http404
        report, form = get_object_or_404(self.get_queryset(request), pk=pk), _PREVIEWS[verb](request.POST)
        if not form.is_valid():
            return redirect(explain(request, form, report))
        return self.page(request, report, **{f"{verb}_form": form, f"{verb}_preview": talks.preview(form, report)})

    def contact_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The report's page with the reporter's contact, this once; looking is recorded."""
        self._require_button(request)
        report = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            contact = workflow.contact_of(report=report, by=actor(request))
        except (*REFUSALS, UnreadableSealError) as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_report_change", pk)
        return self.page(request, report, contact=contact or "none was left")

    def original_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The report's page with the text exactly as it was sent, this once; looking is recorded."""
        self._require_button(request)
        report = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            original = redacting.original_of(report=report, by=actor(request))
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_report_change", pk)
        return self.page(request, report, original=original)

    def _require_button(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404


def _model_cell(named: NamedModel) -> tuple[str, str, str, str]:
    """As asked, as shown, the tone and the words of its lookup."""
    if named.alias is None:
        asked = masked(named.asked)
        return asked, _truncated(asked), "plain", "on no hub we know"
    lookup = facts.lookup_of(named.alias, named.revision)
    at = f"@{named.revision[:12]}" if named.revision else ""
    return named.asked, f"{_truncated(named.alias.name)}{at}", facts.lookup_tone(lookup), facts.lookup_words(lookup)


def _truncated(name: str) -> str:
    """A name that fits a column."""
    return f"{name[: MOST_OF_A_NAME - 1]}…" if len(name) > MOST_OF_A_NAME else name


_PREVIEWS: dict[str, type[RejectForm | talks.AskForm]] = {"reject": RejectForm, "ask": talks.AskForm}
