"""Models, and what the hubs said of them: read-only in the console."""

from typing import Any

from django.contrib import admin
from django.db.models import Model as AnyModel
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.read_only import ReadOnly
from catalogue.models import Alias, Drift, Lineage, Model, Snapshot

MOST_FILES_SHOWN = 500


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
