"""Working through the queue: next, the lease's heartbeat, undo, rejecting several, and what each moderator keeps."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from reports import bulk, leases, undoing
from reports.admin.acting import REFUSALS, actor, key_in, sentence
from reports.admin.decisions import RejectForm
from reports.admin.filters import FILTERS
from reports.admin.onward import address, go_on, lane_of, page_of
from reports.embargo import visible_reports
from reports.lanes import lane
from reports.models import ConsolePreference, RejectReason, Report, SavedFilter
from reports.models.handling import MOST_IN_A_QUERY

View = Callable[..., HttpResponseBase]
MOST_SAVED_FILTERS = 20
_KEPT = {"q", "o", *(one.parameter_name for one in FILTERS)}


def _button(view: View) -> View:
    """A view that is pressed, by somebody who may see reports; a refusal is a message in the queue."""

    @wraps(view)
    def pressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("reports.view_report"):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        try:
            return view(request, *args, **kwargs)
        except REFUSALS as error:
            messages.error(request, sentence(error))
            return redirect(address(request, "reports_report_changelist"))

    return pressed


@_button
def next_report(request: HttpRequest) -> HttpResponseBase:
    """Claims the most urgent report of the lane that nobody holds, and shows it."""
    return redirect(go_on(request))


@_button
def heartbeat(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Renews the lease: `{"held_until": instant}`; 409 with `{"held_until": null}` where it is lost."""
    by = actor(request)
    end = leases.renew(report=get_object_or_404(visible_reports(Report.objects.all(), by), pk=pk), by=by)
    return JsonResponse({"held_until": end.isoformat() if end else None}, status=200 if end else 409)


@_button
def undo(request: HttpRequest, batch: UUID) -> HttpResponseBase:
    """Takes back what one press decided."""
    done, refused = undoing.undo(batch=batch, by=actor(request))
    for refusal in refused:
        messages.error(request, f"{refusal[:1].upper()}{refusal[1:]}.")
    if done:
        numbers = ", ".join(str(decision.report_id) for decision in done)
        messages.success(request, f"Undone: report{'s' if len(done) > 1 else ''} {numbers}.")
    if len(done) == 1:
        return redirect(page_of(request, done[0].report))
    return redirect(address(request, "reports_report_changelist"))


@_button
def reject_several(request: HttpRequest) -> HttpResponseBase:
    """Rejects the reports that the dry run listed."""
    form = RejectForm(request.POST)
    chosen = [number for text in request.POST.getlist("report") if (number := key_in(text)) is not None]
    slug = lane_of(request)
    if not form.is_valid():
        return dry_run(request, chosen, form)
    reason = RejectReason(form.cleaned_data["reason"])
    done, refused = bulk.reject_many(
        reports=chosen, by=actor(request), slug=slug, reason=reason, note=form.cleaned_data["note"]
    )
    for refusal in refused:
        messages.warning(request, f"{refusal}.")
    many = f"{len(done)} report{'' if len(done) == 1 else 's'}"
    messages.success(request, f"{many} rejected: {reason.label.lower()}. {len(refused)} left as they were.")
    return redirect(address(request, "reports_report_changelist"))


def dry_run(request: HttpRequest, chosen: list[int], form: RejectForm | None = None) -> HttpResponseBase:
    """What rejecting these reports would do, before anything is done."""
    slug = lane_of(request)
    try:
        planned = bulk.dry_run(reports=chosen, by=actor(request), slug=slug)
    except REFUSALS as error:
        messages.error(request, sentence(error))
        return redirect(address(request, "reports_report_changelist"))
    context = {
        **admin.site.each_context(request),
        "title": "Reject several reports",
        "is_nav_sidebar_enabled": False,
        "lane": lane(slug),
        "slug": slug,
        "planned": planned,
        "possible": sum(not one.obstacle for one in planned),
        "form": form or RejectForm(),
    }
    return TemplateResponse(request, "admin/reports/report/bulk.html", context, status=400 if form else 200)


@_button
def shortcuts(request: HttpRequest) -> HttpResponseBase:
    """Switches single keys on or off for this account."""
    wanted = {"shortcuts": request.POST.get("shortcuts") == "on"}
    ConsolePreference.objects.update_or_create(account=actor(request), defaults=wanted)
    messages.success(request, f"Keyboard shortcuts are {'on' if wanted['shortcuts'] else 'off'} for your account.")
    return _back(request)


@_button
def dismiss(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Puts a message of the console away."""
    leases.dismiss(message=pk, by=actor(request))
    return _back(request)


@_button
def save_filter(request: HttpRequest) -> HttpResponseBase:
    """Keeps the queue's present view under a name; the same name again replaces it."""
    title = " ".join(request.POST.get("title", "").replace("\x00", "").split())[:60]
    query = urlencode([(name, value) for name, value in parse_qsl(request.POST.get("query", "")) if name in _KEPT])
    kept = SavedFilter.objects.filter(account=actor(request))
    if not title or len(query) > MOST_IN_A_QUERY:
        messages.error(request, "Give the view a name.")
    elif kept.exclude(title=title).count() >= MOST_SAVED_FILTERS:
        messages.error(request, f"You keep {MOST_SAVED_FILTERS} views already. Drop one first.")
    else:
        SavedFilter.objects.update_or_create(account=actor(request), title=title, defaults={"query": query})
        messages.success(request, f"Kept as “{title}”.")
    return redirect(f"{reverse('admin:reports_report_changelist')}?{query}")


@_button
def drop_filter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Forgets a kept view."""
    SavedFilter.objects.filter(account=actor(request), pk=pk).delete()
    return redirect("admin:reports_report_changelist")


def _back(request: HttpRequest) -> HttpResponseBase:
    """To the page whose button it was."""
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return redirect(back if safe else reverse("admin:index"))


def urls(wrap: Callable[[View], View]) -> list[URLPattern]:
    """The addresses of these buttons, below the queue's."""
    return [
        path("next/", wrap(next_report), name="reports_report_next"),
        path("undo/<uuid:batch>/", wrap(undo), name="reports_report_undo"),
        path("reject/", wrap(reject_several), name="reports_report_reject_several"),
        path("shortcuts/", wrap(shortcuts), name="reports_report_shortcuts"),
        path("messages/<int:pk>/dismiss/", wrap(dismiss), name="reports_report_dismiss"),
        path("views/keep/", wrap(save_filter), name="reports_report_save_filter"),
        path("views/<int:pk>/drop/", wrap(drop_filter), name="reports_report_drop_filter"),
        path("<int:pk>/heartbeat/", wrap(heartbeat), name="reports_report_heartbeat"),
    ]
