"""Who did what, read-only; and how the queue does, which is read from it."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from accounts.read_only import ReadOnly
from reports.admin import measures
from reports.admin.acting import actor
from reports.embargo import visible_activities
from reports.models import Activity


@admin.register(Activity)
class ActivityAdmin(ReadOnly, admin.ModelAdmin):
    """Everything that was done to reports and cases, newest first."""

    list_display = ("at", "actor_name", "verb", "report", "case", "before", "after", "note")
    list_filter = ("verb",)
    search_fields = ("actor_name", "note")
    ordering = ("-pk",)
    list_per_page = 100
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        """The metrics' address before the admin's own."""
        wrap = self.admin_site.admin_view
        return [path("metrics/", wrap(self.metrics_view), name="reports_metrics"), *super().get_urls()]

    def metrics_view(self, request: HttpRequest) -> HttpResponse:
        """Inflow, backlog, times and outcomes."""
        by = actor(request)
        if not by.has_perm(measures.PERMISSION):
            raise PermissionDenied
        return measures.page(request, by, self.admin_site.each_context(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        """With what the columns name."""
        return visible_activities(super().get_queryset(request).select_related("report", "case"), actor(request))
