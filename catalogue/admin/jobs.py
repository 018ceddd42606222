"""What is still to be asked of the hubs, and how the hubs do, with the buttons of operators."""

from collections.abc import Sequence

import redis
import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.models import User
from accounts.read_only import ReadOnly
from catalogue.admin.hub_states import HUB_VERBS, hub_rows
from catalogue.hub import hubs
from catalogue.models import Inspection, Lookup
from lib.due import DueRow
from lib.wake import wake

log = structlog.get_logger()


class ParkedFilter(admin.SimpleListFilter):
    """Jobs that wait for an operator, or those that do not."""

    title = "parked"
    parameter_name = "parked"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Both sides."""
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[DueRow]) -> QuerySet[DueRow]:
        """One side of them."""
        wanted = {"yes": False, "no": True}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(parked_at__isnull=wanted)


@admin.register(Lookup)
class LookupAdmin(ReadOnly, admin.ModelAdmin):
    """The standing jobs, most overdue first."""

    list_display = ("due_at", "outcome", "parked", "attempts", "strikes", "alias", "shown_revision", "last_error")
    list_filter = ("outcome", ParkedFilter)
    list_select_related = ("alias",)
    search_fields = ("alias__name", "revision", "last_error")
    ordering = ("due_at", "pk")
    show_full_result_count = False
    actions = ("retry_now",)

    @admin.display(description="revision", ordering="revision")
    def shown_revision(self, lookup: Lookup) -> str:
        """The revision asked for."""
        return lookup.revision[:12] or "default branch"

    @admin.display(boolean=True, ordering="parked_at")
    def parked(self, lookup: Lookup) -> bool:
        """Whether it waits for an operator."""
        return lookup.is_parked

    # --- Hubs ------------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """The page of the hubs, and its buttons, before the admin's own."""
        wrap = self.admin_site.admin_view
        own = [
            path("hubs/", wrap(self.hubs_view), name="catalogue_lookup_hubs"),
            path("hubs/<slug:slug>/<slug:verb>/", wrap(self.hub_button_view), name="catalogue_lookup_hub_button"),
        ]
        return own + super().get_urls()

    def hubs_view(self, request: HttpRequest) -> HttpResponse:
        """How each hub does: what is due, what it answered last, what it may still be asked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Hubs",
            "opts": self.opts,
            "rows": hub_rows(),
            "may_retry": self.has_retry_permission(request),
            "is_nav_sidebar_enabled": False,
        }
        return TemplateResponse(request, "admin/catalogue/lookup/hubs.html", context)

    def hub_button_view(self, request: HttpRequest, slug: str, verb: str) -> HttpResponse:
        """One verb on one hub, by POST."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if slug not in hubs() or verb not in HUB_VERBS:
            raise Http404
        try:
            done = HUB_VERBS[verb](slug)
        except redis.RedisError:
            messages.error(request, "Redis does not answer: nothing was changed.")
            return redirect("admin:catalogue_lookup_hubs")
        _note_hub(request, slug, done)
        messages.success(request, f"{hubs()[slug].title}: {done}")
        return redirect("admin:catalogue_lookup_hubs")

    # --- Single lookups --------------------------------------------------------------------------------------------
    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators may."""
        return request.user.has_perm("catalogue.change_lookup")

    @admin.action(description="Retry now", permissions=["retry"])
    def retry_now(self, request: HttpRequest, lookups: QuerySet[Lookup]) -> None:
        """Makes the chosen lookups due at once, and wakes a worker."""
        chosen = list(lookups)
        for lookup in chosen:
            lookup.retry_now()
        _note_retry(request, chosen)
        wake("model named")
        self.message_user(request, f"Due now: {len(chosen)}.", messages.SUCCESS)


@admin.register(Inspection)
class InspectionAdmin(ReadOnly, admin.ModelAdmin):
    """The slower jobs, most overdue first; what they found is on the pages of reports and cases."""

    list_display = (
        "due_at",
        "parked",
        "attempts",
        "strikes",
        "model",
        "inspected_at",
        "shown_revision",
        "last_error",
    )
    list_filter = (ParkedFilter,)
    list_select_related = ("model",)
    search_fields = ("model__name", "revision", "last_error")
    ordering = ("due_at", "pk")
    show_full_result_count = False
    exclude = ("document", "safety")
    actions = ("retry_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inspection]:
        """The list leaves the long columns in the database."""
        return super().get_queryset(request).defer("document", "safety")

    @admin.display(description="revision", ordering="revision")
    def shown_revision(self, inspection: Inspection) -> str:
        """The commit it was about."""
        return inspection.revision[:12] or "-"

    @admin.display(boolean=True, ordering="parked_at")
    def parked(self, inspection: Inspection) -> bool:
        """Whether it waits for an operator."""
        return inspection.is_parked

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Operators may."""
        return request.user.has_perm("catalogue.change_inspection")

    @admin.action(description="Retry now", permissions=["retry"])
    def retry_now(self, request: HttpRequest, inspections: QuerySet[Inspection]) -> None:
        """Makes the chosen inspections due at once, and wakes a worker."""
        chosen = list(inspections)
        for inspection in chosen:
            inspection.retry_now()
        _note_retry(request, chosen)
        wake("model looked up")
        self.message_user(request, f"Due now: {len(chosen)}.", messages.SUCCESS)


def _note_retry(request: HttpRequest, jobs: Sequence[DueRow]) -> None:
    if isinstance(request.user, User) and jobs:
        LogEntry.objects.log_actions(request.user.pk, jobs, CHANGE, "Retry now.")
        log.info("retry now", by=request.user.pk, of=type(jobs[0]).__name__, rows=[job.pk for job in jobs])


def _note_hub(request: HttpRequest, slug: str, done: str) -> None:
    if isinstance(request.user, User):
        LogEntry.objects.create(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(Lookup),
            object_repr=hubs()[slug].title,
            action_flag=CHANGE,
            change_message=done,
        )
        log.info("hub button", by=request.user.pk, hub=slug, done=done)
