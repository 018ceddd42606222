"""The queue of reports, and one report on one screen."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from catalogue.admin import ReadOnly
from incidents.models import choices_of
from incidents.record import Kind
from incidents.taxonomy import OWN, taxonomies, with_descendants
from lib.seal import UnreadableSealError
from reports import redacting, workflow
from reports.admin import facts, report_page
from reports.admin.acting import REFUSALS, actor, sentence
from reports.admin.choices import category_title
from reports.admin.decisions import ExistingCaseForm, RejectForm
from reports.models import NamedModel, RejectReason, Report, ReportState

MOST_MODELS_IN_A_ROW = 3
MOST_OF_A_NAME = 60
WAITING = (ReportState.RECEIVED, ReportState.IN_REVIEW)


class OneOf(admin.SimpleListFilter):
    """A filter by one of a few values; any other value filters nothing."""

    def chosen(self) -> str:
        """The value chosen, if it is one of those offered."""
        value = self.value() or ""
        return value if value in {str(choice) for choice, _title in self.lookup_choices} else ""


class StateFilter(OneOf):
    """By state; what awaits a decision, unless asked otherwise."""

    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Each state, and all of them."""
        return [*((state.value, state.label) for state in ReportState), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """As usual, with a first choice that says what it means."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "Awaiting a decision"}
        yield from others

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports in the state chosen."""
        if self.chosen() == "all":
            return queryset
        return queryset.filter(state=self.chosen()) if self.chosen() else queryset.filter(state__in=WAITING)


class CategoryFilter(OneOf):
    """By top category, its children included."""

    title = "category"
    parameter_name = "category"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The top terms of our own taxonomy."""
        return [(term.code, term.title) for term, _children in taxonomies()[OWN].tree()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports in the category chosen."""
        return queryset.filter(category__in=with_descendants(self.chosen())) if self.chosen() else queryset


class KindFilter(OneOf):
    """By kind."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Every kind."""
        return choices_of(Kind)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports of the kind chosen."""
        return queryset.filter(kind=self.chosen()) if self.chosen() else queryset


class SourceFilter(OneOf):
    """By the door the report came through."""

    title = "source"
    parameter_name = "source"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The doors that were used."""
        sources = Report.objects.order_by("source").values_list("source", flat=True).distinct()
        return [(source, source) for source in sources]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports from the source chosen."""
        return queryset.filter(source=self.chosen()) if self.chosen() else queryset


class OwnerFilter(OneOf):
    """By who holds the report."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Nobody, or the person looking."""
        return [("me", "Me"), ("nobody", "Nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports so held."""
        if self.chosen() == "me":
            return queryset.filter(owner=actor(request))
        return queryset.filter(owner=None) if self.chosen() else queryset


@admin.register(Report)
class ReportAdmin(ReadOnly, admin.ModelAdmin):
    """What waits, oldest first; one report with everything a decision needs. Every button is a verb of the workflow."""

    list_display = ("shown_title", "age", "shown_state", "shown_category", "kind", "models", "source", "owner")
    list_filter = (StateFilter, CategoryFilter, KindFilter, SourceFilter, OwnerFilter)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("title", "text", "named_models__asked")
    search_help_text = "Searches title, text and models."
    ordering = ("submitted_at", "pk")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None
    change_list_template = "admin/reports/report/queue.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """With everything a row shows."""
        named = NamedModel.objects.select_related("alias").prefetch_related("alias__lookups").order_by("pk")
        return super().get_queryset(request).prefetch_related(Prefetch("named_models", queryset=named))

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest | None = None) -> bool:  # noqa: ARG002 - Django looks for `request`
        """Only the filters above: an address must not become a question about a receipt or a contact."""
        return lookup in {one.parameter_name for one in self.list_filter}

    # --- Columns ---------------------------------------------------------------------------------------------------
    @admin.display(description="report")
    def shown_title(self, report: Report) -> str:
        """Its number, and its title if it has one."""
        return f"{report.pk}. {report.title or 'Without a title'}"

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
            path("next/", wrap(self.next_view), name="reports_report_next"),
            path("<int:pk>/contact/", wrap(self.contact_view), name="reports_report_contact"),
            path("<int:pk>/original/", wrap(self.original_view), name="reports_report_original"),
            path("<int:pk>/do/<slug:verb>/", wrap(self.act_view), name="reports_report_act"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The queue."""
        may_decide = actor(request).has_perm("reports.decide")
        context = {"title": "Reports", "may_decide": may_decide, "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, _form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One report, to read and decide on."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        report = self.get_object(request, unquote(object_id))
        if report is None:
            raise Http404
        return self._page(request, report, **(extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The activities of one report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(f"{reverse('admin:reports_activity_changelist')}?{urlencode({'report__id__exact': object_id})}")

    def next_view(self, request: HttpRequest) -> HttpResponseBase:
        """Claims the oldest report nobody holds, and shows it."""
        self._require_button(request)
        try:
            report = workflow.claim_next(by=actor(request))
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_report_changelist")
        if report is None:
            messages.info(request, "No report waits for somebody to claim it.")
            return redirect("admin:reports_report_changelist")
        return redirect("admin:reports_report_change", report.pk)

    def act_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """One verb on one report."""
        self._require_button(request)
        act = _ACTS.get(verb)
        if act is None:
            raise Http404
        report = get_object_or_404(Report, pk=pk)
        try:
            return redirect(act(request, report))
        except REFUSALS as error:
            messages.error(request, sentence(error))
        return redirect("admin:reports_report_change", pk)

    def contact_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The report's page with the reporter's contact, this once; looking is recorded."""
        self._require_button(request)
        report = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            contact = workflow.contact_of(report=report, by=actor(request))
        except (*REFUSALS, UnreadableSealError) as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_report_change", pk)
        return self._page(request, report, contact=contact or "none was left")

    def original_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The report's page with the text exactly as it was sent, this once; looking is recorded."""
        self._require_button(request)
        report = get_object_or_404(self.get_queryset(request), pk=pk)
        try:
            original = redacting.original_of(report=report, by=actor(request))
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_report_change", pk)
        return self._page(request, report, original=original)

    def _require_button(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404

    def _page(self, request: HttpRequest, report: Report, **extra: Any) -> HttpResponse:
        shown = report_page.context(report, actor(request))
        context = {
            **self.admin_site.each_context(request),
            **shown,
            "title": shown["shown_title"] or f"Report {report.pk}",
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "is_nav_sidebar_enabled": False,
            **extra,
        }
        return TemplateResponse(request, "admin/reports/report/page.html", context)


def _model_cell(named: NamedModel) -> tuple[str, str, str, str]:
    """As asked, as shown, the tone and the words of its lookup."""
    if named.alias is None:
        return named.asked, _truncated(named.asked), "plain", "on no hub we know"
    lookup = facts.lookup_of(named.alias, named.revision)
    at = f"@{named.revision[:12]}" if named.revision else ""
    return named.asked, f"{_truncated(named.alias.name)}{at}", facts.lookup_tone(lookup), facts.lookup_words(lookup)


def _truncated(name: str) -> str:
    """A name that fits a column."""
    return f"{name[: MOST_OF_A_NAME - 1]}…" if len(name) > MOST_OF_A_NAME else name


# --- Buttons: each takes the request and the report, and returns where to go -----------------------------------------
def _claim(request: HttpRequest, report: Report) -> str:
    workflow.claim(report=report, by=actor(request))
    return _page_of(report)


def _release(request: HttpRequest, report: Report) -> str:
    workflow.release(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} is back in the queue.")
    return reverse("admin:reports_report_changelist")


def _accept(request: HttpRequest, report: Report) -> str:
    case = workflow.accept(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} opened case {case.pk}. Word it below, then publish it.")
    return reverse("admin:reports_case_change", args=[case.pk])


def _group(request: HttpRequest, report: Report) -> str:
    form = ExistingCaseForm(request.POST, report=report)
    if not form.is_valid():
        return _explain(request, form, report)
    case = workflow.accept(report=report, by=actor(request), case=form.cleaned_data["chosen"])
    messages.success(request, f"Report {report.pk} is now in case {case.pk}.")
    return reverse("admin:reports_case_change", args=[case.pk])


def _reject(request: HttpRequest, report: Report) -> str:
    form = RejectForm(request.POST)
    if not form.is_valid():
        return _explain(request, form, report)
    reason = RejectReason(form.cleaned_data["reason"])
    workflow.reject(report=report, by=actor(request), reason=reason, note=form.cleaned_data["note"])
    messages.success(request, f"Report {report.pk} was rejected: {reason.label.lower()}.")
    return reverse("admin:reports_report_changelist")


def _reopen(request: HttpRequest, report: Report) -> str:
    workflow.reopen(report=report, by=actor(request))
    messages.success(request, f"Report {report.pk} is back in the queue.")
    return _page_of(report)


def _explain(request: HttpRequest, form: ExistingCaseForm | RejectForm, report: Report) -> str:
    for problems in form.errors.get_json_data().values():
        for problem in problems:
            messages.error(request, problem["message"])
    return _page_of(report)


def _page_of(report: Report) -> str:
    return reverse("admin:reports_report_change", args=[report.pk])


_ACTS: dict[str, Callable[[HttpRequest, Report], str]] = {
    "claim": _claim,
    "release": _release,
    "accept": _accept,
    "group": _group,
    "reject": _reject,
    "reopen": _reopen,
}
