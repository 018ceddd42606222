"""The public record in the console, read-only: what changes it is `incidents.publishing` alone.

What this node says of records of others is in `incidents.overlay_admin`.
"""

import json

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.read_only import ReadOnly
from incidents import overlay_admin
from incidents.models import Incident, Publication

__all__ = ["IncidentAdmin", "PublicationAdmin", "overlay_admin"]


def _pretty(document: bytes | memoryview) -> SafeString:
    text = json.dumps(json.loads(bytes(document)), indent=2, ensure_ascii=False)
    return format_html('<pre class="fl-document">{}</pre>', text)


class _Look:
    css = {"all": ("reports/console.css",)}


class PublicationInline(ReadOnly, admin.TabularInline):
    """A record's versions."""

    model = Publication
    fields = ("number", "operation", "version", "at", "digest")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Publication]:
        """Without the documents."""
        return super().get_queryset(request).defer("document")


@admin.register(Incident)
class IncidentAdmin(ReadOnly, admin.ModelAdmin):
    """Records as they stand, newest first."""

    list_display = ("public_id", "title", "status", "kind", "category", "severity", "version", "published_at")
    list_filter = ("status", "kind", "severity", "origin")
    search_fields = ("public_id", "title", "affected__name")
    show_full_result_count = False
    exclude = ("document",)
    readonly_fields = ("page", "shown_document")
    inlines = (PublicationInline,)
    Media = _Look

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        """Without the documents; the page of one record fetches its own."""
        return super().get_queryset(request).defer("document")

    @admin.display(description="public page")
    def page(self, incident: Incident) -> SafeString:
        """Where the world reads it."""
        url = reverse("website:incident", args=[incident.public_id])
        if incident.origin == settings.NODE_NAME:
            return format_html('<a href="{}">{}</a>', url, incident.public_id)
        own = reverse("admin:incidents_overlay_of", args=[incident.public_id])
        said = '<a href="{}">{}</a> of {} · <a href="{}">What this node says of it</a>'
        return format_html(said, url, incident.public_id, incident.origin, own)

    @admin.display(description="document")
    def shown_document(self, incident: Incident) -> SafeString:
        """The document, indented for reading."""
        return _pretty(incident.document)


@admin.register(Publication)
class PublicationAdmin(ReadOnly, admin.ModelAdmin):
    """The public log, newest first."""

    list_display = ("number", "operation", "incident", "version", "at")
    list_filter = ("operation",)
    list_select_related = ("incident",)
    search_fields = ("incident__public_id", "incident__title")
    ordering = ("-number",)
    show_full_result_count = False
    exclude = ("document",)
    readonly_fields = ("shown_document",)
    Media = _Look

    def get_queryset(self, request: HttpRequest) -> QuerySet[Publication]:
        """Without the documents; the page of one entry fetches its own."""
        return super().get_queryset(request).defer("document")

    @admin.display(description="document")
    def shown_document(self, publication: Publication) -> SafeString:
        """The document, indented for reading."""
        return _pretty(publication.document)
