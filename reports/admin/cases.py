"""Cases: the public wording, and the verbs that make it public."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models import Model as AnyModel
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import step_up
from reports import embargo, redacting, release, reproductions, workflow
from reports.actors import WrongStateError
from reports.admin import (
    case_grouping,
    case_page,
    classifying,
    embargoes,
    redaction_desk,
    release_panel,
    replies,
)
from reports.admin.acting import REFUSALS, actor, sentence
from reports.admin.case_forms import (
    CaseClassificationForm,
    CaseClassifications,
    CaseForm,
    CaseModelForm,
    CaseReferenceForm,
    last_change,
)
from reports.admin.choices import category_title, term_title
from reports.admin.facts import facts_of
from reports.conflicts import conflict_with_case
from reports.models import LIVE, Case, CaseClassification, CaseModel, CaseReference, Statement, StatementState
from reports.redaction import masked

_WORDING = ("title", "summary", "description")
_EVENT = ("kind", "category", "occurred", "other_ids")
_ASSESSMENT = ("severity", "evidence_grade", "confidence", "reproductions", "names_person")
_CLASSIFICATION = ("suggested",)


def _may_edit(request: HttpRequest, case: AnyModel | None) -> bool:
    if not request.user.has_perm("reports.change_case"):
        return False
    return not isinstance(case, Case) or (case.state in LIVE and not _conflict(request, case))


def _conflict(request: HttpRequest, case: Case) -> str:
    """Asked once for each request: the console asks for every row and column."""
    known: dict[int, str] = request.__dict__.setdefault("conflicts", {})
    if case.pk not in known:
        known[case.pk] = conflict_with_case(actor(request), case)
    return known[case.pk]


class PartOfCase(InlineModelAdmin):
    """Rows that hang on a case: whoever may edit the case may edit them."""

    extra = 1

    def has_view_permission(self, request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """As the case."""
        return request.user.has_perm("reports.view_case")

    def has_add_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        """As the case is changed."""
        return _may_edit(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        """As the case is changed."""
        return _may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        """As the case is changed."""
        return _may_edit(request, obj)


class CaseModelInline(PartOfCase, admin.StackedInline):
    """The models the case is about."""

    model = CaseModel
    form = CaseModelForm
    verbose_name = "model"
    verbose_name_plural = "models"
    readonly_fields = ("hub_says",)

    def get_fields(self, request: HttpRequest, obj: AnyModel | None = None) -> Any:
        """Who only reads sees the rows' own columns."""
        first = ("asked", "by_name") if _may_edit(request, obj) else ("alias", "name")
        return ((*first, "hub_says"), ("revision", "file", "status"), ("fixed_in", "not_affected_in"), "note")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseModel]:
        """With what a row shows."""
        rows = super().get_queryset(request).select_related("alias__model")
        return rows.prefetch_related("alias__lookups").order_by("pk")

    @admin.display(description="The hub says")
    def hub_says(self, row: CaseModel) -> SafeString | str:
        """How the lookup stands."""
        if not row.pk:
            return "-"
        facts = facts_of(row, str(row))
        commit = facts.snapshot.revision[:12] if facts.snapshot else ""
        return format_html('<span class="fl-outcome fl-{}">{}</span> <code>{}</code>', facts.tone, facts.state, commit)


class CaseReferenceInline(PartOfCase, admin.StackedInline):
    """Where a reader can check it."""

    model = CaseReference
    form = CaseReferenceForm
    verbose_name = "reference"
    verbose_name_plural = "references"
    fields = (("title", "publisher"), ("url", "date"))
    ordering = ("pk",)


class CaseClassificationInline(PartOfCase, admin.TabularInline):
    """Terms of other taxonomies: added and dropped, never changed in place."""

    model = CaseClassification
    form = CaseClassificationForm
    formset = CaseClassifications
    verbose_name = "classification"
    verbose_name_plural = "classifications in other taxonomies"
    fields = ("chosen",)
    ordering = ("taxonomy", "term")

    def has_change_permission(self, _request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Never."""
        return False

    @admin.display(description="term")
    def chosen(self, row: CaseClassification) -> str:
        """The term of a row that is there already; a new row has the form's field of this name."""
        return term_title(row.taxonomy, row.term)


class ReplyFilter(admin.SimpleListFilter):
    """By what publishers said of them."""

    title = "publisher's reply"
    parameter_name = "reply"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """What awaits a moderator, and what is disputed."""
        return [("waiting", "Statement to read"), ("disputes", "Disputed by the publisher")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        """The cases so replied to."""
        said = {"waiting": Q(state=StatementState.RECEIVED), "disputes": Q(disputes=True)}.get(self.value() or "")
        return queryset.filter(pk__in=Statement.objects.filter(said).values("case")) if said else queryset


@admin.register(Case)
class CaseAdmin(admin.ModelAdmin):
    """One case: wording by this form, everything else by a verb."""

    form = CaseForm
    inlines = (CaseModelInline, CaseReferenceInline, CaseClassificationInline)
    list_display = (
        *("shown_title", "state", "public_id", "shown_category"),
        *("kind", "severity", "reports_grouped", "opened_at"),
    )
    list_filter = ("state", "kind", "severity", ReplyFilter)
    list_select_related = ("incident",)
    search_fields = ("title", "summary", "incident__public_id", "models__alias__name", "models__name")
    search_help_text = "Searches title, summary, public id and models."
    ordering = ("-opened_at", "-pk")
    show_full_result_count = False
    actions = None
    change_form_template = "admin/reports/case/edit.html"

    class Media:
        css = {"all": ("reports/console.css",)}
        js = ("reports/countdown.js",)

    # --- Who may ---------------------------------------------------------------------------------------------------
    def has_add_permission(self, _request: HttpRequest) -> bool:
        """A case begins with a report."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AnyModel | None = None) -> bool:
        """Until it is withdrawn, merged or closed."""
        return _may_edit(request, obj)

    def has_delete_permission(self, _request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Never: it is withdrawn."""
        return False

    # --- Columns ---------------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """Those the person looking may see, with the number of reports."""
        rows: QuerySet[Case] = super().get_queryset(request).defer("incident__document")
        rows = embargo.visible_cases(rows, actor(request))
        return rows.annotate(grouped=Count("reports", distinct=True))

    @admin.display(description="case", ordering="pk")
    def shown_title(self, case: Case) -> str:
        """Its number, and its title if it has one."""
        return f"{case.pk}. {masked(case.title) or 'Without a title'}"

    @admin.display(description="public id", ordering="incident__public_id")
    def public_id(self, case: Case) -> str:
        """Its id in the public record."""
        return case.incident.public_id if case.incident else "-"

    @admin.display(description="category", ordering="category")
    def shown_category(self, case: Case) -> str:
        """Its category's title."""
        return category_title(case.category) if case.category else "-"

    @admin.display(description="reports", ordering="grouped")
    def reports_grouped(self, case: Case) -> int:
        """How many reports it holds."""
        return int(getattr(case, "grouped", 0))

    # --- The form --------------------------------------------------------------------------------------------------
    def get_fieldsets(self, request: HttpRequest, obj: AnyModel | None = None) -> Any:
        """What is public, in the order of the page."""
        guard = ("seen",) if _may_edit(request, obj) else ()
        return [
            ("Public wording", {"fields": (*guard, *_WORDING)}),
            ("The event", {"fields": _EVENT}),
            ("Assessment", {"fields": _ASSESSMENT, "classes": ("fl-assessment",)}),
            *([("In other taxonomies", {"fields": _CLASSIFICATION})] if guard else []),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Under a lock where it is about to change."""
        case = super().get_object(request, object_id, from_field)
        if case is not None and request.method == "POST":
            Case.objects.select_for_update().get(pk=case.pk)
            case.refresh_from_db()
        return case

    def save_model(self, _request: HttpRequest, obj: Any, form: Any, _change: bool) -> None:
        """The wording only; states are the workflow's."""
        obj.save(update_fields=[name for name in form.changed_data if name in CaseForm.Meta.fields])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The rows, and one activity for everything that changed."""
        super().save_related(request, form, formsets, change)
        rows = [formset.prefix for formset in formsets if formset.has_changed()]
        case, by = form.instance, actor(request)
        _classify(case, form.cleaned_data.get("suggested", []))
        try:
            changed = [name for name in form.changed_data if name != "reproductions"]
            workflow.edited(case=case, by=by, fields=[*changed, *rows])
            if "reproductions" in form.changed_data:
                reproductions.confirm(case=case, by=by, number=form.cleaned_data["reproductions"])
            if done := redaction_desk.decide(request, case):
                messages.success(request, done)
        except REFUSALS as error:
            messages.error(request, sentence(error))
        if release.reconsider(case=case, by=by):
            messages.warning(request, "What was about to become public is cancelled: it is not what was approved.")

    def log_change(self, _request: HttpRequest, _obj: Any, _message: Any) -> None:  # type: ignore[override]
        """Nothing more: the activities are the log."""

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the case: publishing is the next step, not the list."""
        messages.success(request, "Saved. What is public changes only with the buttons above.")
        return redirect("admin:reports_case_change", obj.pk)

    # --- Pages -----------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """The buttons' addresses before the admin's own."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/<slug:verb>/", wrap(self.move_view), name="reports_case_move"),
            path("<int:pk>/embargo/<slug:act>/", wrap(self.embargo_view), name="reports_case_embargo"),
            path("<int:pk>/reply/<slug:act>/", wrap(self.reply_view), name="reports_case_reply"),
            path("<int:pk>/redacted/", wrap(self.redacted_view), name="reports_case_redacted"),
        ]
        return [*own, *classifying.urls(wrap), *case_grouping.urls(wrap), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """With the reports, the preview and the buttons beside the form."""
        case, again = context["original"], step_up.press_again(request)
        more = {
            **case_page.context(case, actor(request)),
            **case_grouping.context(case, actor(request), again.get("press_again", {}).get("typed", {})),
            **release_panel.context(case, actor(request)),
            **again,
            "title": masked(str(case)),
            "subtitle": None,
            "is_nav_sidebar_enabled": False,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        return super().render_change_form(request, {**context, **more}, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The activities of one case."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(f"{reverse('admin:reports_activity_changelist')}?{urlencode({'case__id__exact': object_id})}")

    def redacted_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """What was taken out of the wording, this once; looking is recorded."""
        self._require_button(request, known=True)
        case = self._seen_by(request, pk)
        try:
            revealed = redacting.reveal(case=case, by=actor(request))
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect("admin:reports_case_change", pk)
        context = {**self.admin_site.each_context(request), "title": "What was taken out", "case": case}
        more = {"revealed": revealed, "is_nav_sidebar_enabled": False}
        return TemplateResponse(request, "admin/reports/case/redacted.html", {**context, **more})

    def move_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
        """Approves one verb on one case, provided that it still is what its page showed."""
        self._require_button(request, verb in workflow.CASE_MOVES)
        notice = request.POST.get("notice", "").replace("\x00", "")
        page = reverse("admin:reports_case_change", args=[self._seen_by(request, pk).pk])
        if proof := step_up.asked_for(request, page=page, press=verb, notice=notice):
            return proof
        try:
            with transaction.atomic():
                case = self._locked(request, pk)
                _refuse_unread(case, request.POST.get("seen", ""))
                made = release.schedule(case=case, verb=verb, by=actor(request), notice=notice)
        except REFUSALS as error:
            messages.error(request, sentence(error))
        else:
            messages.success(request, release_panel.outcome(made))
        return redirect("admin:reports_case_change", pk)

    def embargo_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
        """One step of the case's embargo."""
        self._require_button(request, act in embargoes.ACTS)
        try:
            embargoes.ACTS[act](request, self._seen_by(request, pk))
        except REFUSALS as error:
            messages.error(request, sentence(error))
        return redirect("admin:reports_case_change", pk)

    def reply_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
        """One step of the publisher's right of reply."""
        self._require_button(request, act in replies.ACTS)
        try:
            made = replies.ACTS[act](request, self._seen_by(request, pk))
        except REFUSALS as error:
            messages.error(request, sentence(error))
        else:
            if made is not None:
                context = {**self.admin_site.each_context(request), **made, "title": "A link for the publisher"}
                return TemplateResponse(request, "admin/reports/case/reply_link.html", context)
        return redirect("admin:reports_case_change", pk)

    def _require_button(self, request: HttpRequest, known: bool) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST" or not known:
            raise Http404

    def _seen_by(self, request: HttpRequest, pk: int) -> Case:
        return get_object_or_404(embargo.visible_cases(Case.objects.all(), actor(request)), pk=pk)

    def _locked(self, request: HttpRequest, pk: int) -> Case:
        self._seen_by(request, pk)
        return Case.objects.select_for_update(of=("self",)).get(pk=pk)


def _classify(case: Case, terms: list[str]) -> None:
    """Adds terms of other taxonomies that the case has not."""
    for taxonomy, _, term in (code.partition(" ") for code in terms):
        CaseClassification.objects.get_or_create(case=case, taxonomy=taxonomy, term=term)


def _refuse_unread(case: Case, seen: str) -> None:
    if seen != str(last_change(case)):
        raise WrongStateError(f"case {case.pk} changed since you opened it; read it again first")
