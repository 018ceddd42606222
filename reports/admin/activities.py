"""Who did what, read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalogue.admin import ReadOnly
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        """With what the columns name."""
        return visible_activities(super().get_queryset(request).select_related("report", "case"), actor(request))
