"""What this node says of records of others, in the console: a note, the same event, hiding and showing again."""

from collections.abc import Callable

import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import step_up
from accounts.models import User
from accounts.read_only import ReadOnly
from incidents import overlay
from incidents.guard import LogRefusesError
from incidents.models import Incident
from incidents.overlay import OverlayError
from incidents.overlay_models import Overlay

log = structlog.get_logger()

_MAY = "incidents.change_overlay"


@admin.register(Overlay)
class OverlayAdmin(ReadOnly, admin.ModelAdmin):
    """Records of others of which this node says something."""

    list_display = ("record", "origin", "note", "same_event", "hidden_at", "hidden_because", "changed_at")
    list_display_links = None
    list_select_related = ("incident", "same_event")
    ordering = ("-changed_at",)
    show_full_result_count = False
    actions = None

    @admin.display(description="record")
    def record(self, row: Overlay) -> SafeString:
        """With the way to its page here."""
        public_id = row.incident.public_id
        return format_html('<a href="{}">{}</a>', reverse("admin:incidents_overlay_of", args=[public_id]), public_id)

    @admin.display(description="origin")
    def origin(self, row: Overlay) -> str:
        """Whose it is."""
        return row.incident.origin

    def get_urls(self) -> list[URLPattern]:
        """The page of one record and its buttons before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("of/<str:public_id>/", wrap(self.of_view), name="incidents_overlay_of"),
            path("of/<str:public_id>/<slug:verb>/", wrap(self.act_view), name="incidents_overlay_act"),
            *super().get_urls(),
        ]

    def of_view(self, request: HttpRequest, public_id: str) -> HttpResponse:
        """What this node says of one record, with the buttons that are open to who looks."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        incident = get_object_or_404(Incident.objects.defer("document"), public_id=public_id)
        context = {
            **self.admin_site.each_context(request),
            **step_up.press_again(request),
            "title": f"What this node says of {public_id}",
            "opts": self.opts,
            "is_nav_sidebar_enabled": False,
            "incident": incident,
            "overlay": Overlay.objects.filter(incident=incident).select_related("same_event").first(),
            "may_act": request.user.has_perm(_MAY),
        }
        return TemplateResponse(request, "admin/incidents/overlay/page.html", context)

    def act_view(self, request: HttpRequest, public_id: str, verb: str) -> HttpResponseBase:
        """One verb on one record, by POST."""
        by = request.user
        if not isinstance(by, User) or not by.has_perm(_MAY):
            raise PermissionDenied
        if request.method != "POST" or verb not in _ACTS:
            raise Http404
        page = reverse("admin:incidents_overlay_of", args=[public_id])
        typed = {name: request.POST.get(name, "").replace("\x00", "") for name in ("note", "same_event", "because")}
        if proof := step_up.asked_for(request, page=page, press=verb, **typed):
            return proof
        try:
            said = _ACTS[verb](public_id, typed)
        except (OverlayError, LogRefusesError) as error:
            messages.error(request, f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return redirect(page)
        LogEntry.objects.log_actions(by.pk, [Incident.objects.get(public_id=public_id)], CHANGE, said)
        log.info("overlay", by=by.pk, record=public_id, verb=verb)
        messages.success(request, said)
        return redirect(page)


def _annotate(public_id: str, typed: dict[str, str]) -> str:
    overlay.annotate(public_id, note=typed["note"], same_event=typed["same_event"])
    return f"What this node says of {public_id} is public."


def _hide(public_id: str, typed: dict[str, str]) -> str:
    overlay.hide(public_id, because=typed["because"])
    return f"Hidden here: {public_id}."


def _show(public_id: str, _typed: dict[str, str]) -> str:
    overlay.show_again(public_id)
    return f"Shown again: {public_id}."


_ACTS: dict[str, Callable[[str, dict[str, str]], str]] = {"annotate": _annotate, "hide": _hide, "show": _show}
