"""What the hubs said and what is still to be asked, read-only in the console; how the hubs do, with two buttons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min, Q, QuerySet
from django.db.models import Model as AnyModel
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from catalogue import limits
from catalogue.hub import hubs
from catalogue.limits import HubState
from catalogue.models import Alias, Drift, Inspection, Lineage, Lookup, Model, Snapshot
from lib.due import DueRow
from lib.wake import wake

log = structlog.get_logger()

MOST_FILES_SHOWN = 500


class ReadOnly:
    """For admin classes and inlines: nobody adds, changes or deletes here, not even a superuser."""

    def has_add_permission(self, _request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Never."""
        return False


class AliasInline(ReadOnly, admin.TabularInline):
    """The names a model goes by."""

    model = Alias
    fields = ("hub", "name", "first_seen_at")

    def has_view_permission(self, request: HttpRequest, _obj: AnyModel | None = None) -> bool:
        """Whoever sees the model sees its names."""
        return request.user.has_perm("catalogue.view_model")


@admin.register(Model)
class ModelOnHubAdmin(ReadOnly, admin.ModelAdmin):
    """Models by identity."""

    list_display = ("name", "hub", "stable_id", "first_named_at")
    list_filter = ("hub",)
    search_fields = ("name", "stable_id", "aliases__name")
    ordering = ("-first_named_at", "-pk")
    show_full_result_count = False
    inlines = (AliasInline,)


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly, admin.ModelAdmin):
    """What hubs said, newest first."""

    list_display = ("name", "revision_asked", "revision", "licence", "gated", "disabled", "taken_at")
    list_filter = ("gated", "disabled")
    search_fields = ("name", "revision", "licence")
    ordering = ("-taken_at", "-pk")
    show_full_result_count = False
    exclude = ("files",)
    readonly_fields = ("listed_files",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        """The list leaves the long columns in the database."""
        return super().get_queryset(request).select_related("model").defer("files", "tags", "base_models")

    @admin.display(description="files")
    def listed_files(self, snapshot: Snapshot) -> SafeString | str:
        """Paths, sizes and digests."""
        files = snapshot.files[:MOST_FILES_SHOWN]
        lines = format_html_join("", "<li>{}</li>", ((_file_line(file),) for file in files))
        more = len(snapshot.files) - len(files)
        return format_html_join("", "<ul>{}</ul>{}", [(lines, f"and {more} more" if more else "")]) if files else "-"


def _file_line(file: dict[str, Any]) -> str:
    size = f", {file['size']:,} bytes" if file.get("size") is not None else ""
    sha256 = f", SHA-256 {file['sha256']}" if file.get("sha256") else ""
    return f"{file['path']}{size}{sha256}"


@admin.register(Drift)
class DriftAdmin(ReadOnly, admin.ModelAdmin):
    """What changed of models, newest first."""

    list_display = ("noticed_at", "change", "model", "before", "after")
    list_filter = ("change",)
    list_select_related = ("model",)
    search_fields = ("model__name", "model__stable_id")
    ordering = ("-noticed_at", "-pk")
    show_full_result_count = False


@admin.register(Lineage)
class LineageAdmin(ReadOnly, admin.ModelAdmin):
    """Which model is said to derive from which, newest claims first."""

    list_display = ("child", "relation", "base", "claimed_by", "since", "ended_at")
    list_filter = ("relation", "claimed_by", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("child", "base")
    search_fields = ("child__name", "base__name")
    ordering = ("-since", "-pk")
    show_full_result_count = False


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
        if slug not in hubs() or verb not in _HUB_VERBS:
            raise Http404
        try:
            done = _HUB_VERBS[verb](slug)
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


# --- How the hubs do -------------------------------------------------------------------------------------------------
@dataclass
class HubRow:
    """One hub's lookups, and what the workers know of it (None where Redis does not answer).

    `due` are those nobody works on, `oldest` is since when the first of them waits; `outcomes` counts last answers.
    """

    slug: str
    title: str
    state: HubState | None
    due: int = 0
    oldest: datetime | None = None
    under_way: int = 0
    parked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> list[tuple[str, int]]:
        """The last answers and how many there are of each, most first: a template would look into the counter."""
        return self.outcomes.most_common()

    @property
    def installed(self) -> bool:
        """Whether this node can ask it."""
        return self.slug in hubs()


def hub_rows() -> list[HubRow]:
    """Every hub, by title. One query."""
    states = _states()
    rows = {slug: HubRow(slug, hub.title, states.get(slug)) for slug, hub in hubs().items()}
    for counted in _counts():
        slug = counted["alias__hub"]
        # A hub whose file was taken away keeps its rows.
        row = rows.setdefault(slug, HubRow(slug, slug, states.get(slug)))
        row.due += counted["due"]
        row.under_way += counted["under_way"]
        row.parked += counted["parked"]
        row.oldest = min(filter(None, (row.oldest, counted["oldest"])), default=None)
        row.outcomes[counted["outcome"] or "not asked yet"] += counted["lookups"]
    return sorted(rows.values(), key=lambda row: row.title.lower())


def _counts() -> Iterable[Mapping[str, Any]]:
    """Lookups by hub and last outcome."""
    now = timezone.now()
    under_way = Q(leased_until__gte=now, parked_at=None)
    due = Q(due_at__lte=now, parked_at=None) & (Q(leased_until=None) | Q(leased_until__lt=now))
    return Lookup.objects.values("alias__hub", "outcome").annotate(
        lookups=Count("pk"),
        due=Count("pk", filter=due),
        oldest=Min("due_at", filter=due),
        under_way=Count("pk", filter=under_way),
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
    )


def _states() -> dict[str, HubState]:
    """What the workers know, by slug; asks no further once Redis has not answered."""
    states: dict[str, HubState] = {}
    for slug in hubs():
        state = limits.state(slug)
        if state is None:
            break
        states[slug] = state
    return states


def _close_circuit(slug: str) -> str:
    limits.close_circuit(slug)
    return "Circuit closed."


def _retry_parked(slug: str) -> str:
    """As `retry_now` of each row, in one statement: what parked one row may have parked all."""
    parked = Lookup.objects.filter(alias__hub=slug).exclude(parked_at=None)
    count = parked.update(due_at=timezone.now(), parked_at=None, strikes=0, attempts=0)
    wake("model named")
    return f"Parked lookups due now: {count}."


_HUB_VERBS = {"close-circuit": _close_circuit, "retry-parked": _retry_parked}


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


import catalogue.concern_admin  # noqa: E402, F401 - registers itself, and needs what is above
