"""What the hubs said and what is still to be asked, read-only in the console."""

from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model as AnyModel
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from catalogue.models import Alias, Lookup, Model, Snapshot
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


class ParkedFilter(admin.SimpleListFilter):
    """Lookups that wait for an operator, or those that do not."""

    title = "parked"
    parameter_name = "parked"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Both sides."""
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Lookup]) -> QuerySet[Lookup]:
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


def _note_retry(request: HttpRequest, lookups: list[Lookup]) -> None:
    if isinstance(request.user, User) and lookups:
        LogEntry.objects.log_actions(request.user.pk, lookups, CHANGE, "Retry now.")
        log.info("retry now", by=request.user.pk, lookups=[lookup.pk for lookup in lookups])
