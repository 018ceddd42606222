"""A file of a report, to look at. What is served is made anew, is an attachment, and each look leaves its Activity."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import content_disposition_header

from accounts.own_page import OwnPage
from lib.sanitise.kinds import KINDS
from reports import evidence as verbs
from reports import excerpts
from reports.actors import NotAllowedError
from reports.admin.acting import REFUSALS, actor, key_in, sentence
from reports.embargo import visible_cases
from reports.evidence import preview
from reports.evidence.store import LostFileError
from reports.models import LIVE, Case, Evidence, Excerpt
from reports.redteam_results import MOST_ATTEMPTS

_LOST = "The file cannot be read: it is lost, or no key of this node opens it. Tell the operators."


@admin.register(Evidence)
class EvidenceAdmin(OwnPage[Evidence]):
    """Files as a list, and each on a page of its own."""

    list_display = ("name", "report", "media_type", "size", "added_at", "problem")
    list_filter = ("media_type",)
    list_select_related = ("report",)
    ordering = ("-pk",)
    show_full_result_count = False
    page_template = "admin/reports/evidence/page.html"

    class Media:
        css = {"all": ("reports/console.css",)}

    def get_urls(self) -> list[URLPattern]:
        """The file itself before the admin's own addresses."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/file/", wrap(self.file_view), name="reports_evidence_file"),
            path("<int:pk>/release/", wrap(self.release_view), name="reports_evidence_release"),
            path("excerpts/<int:pk>/take-back/", wrap(self.take_back_view), name="reports_evidence_take_back"),
            path("<int:pk>/forget/", wrap(self.forget_view), name="reports_evidence_forget"),
        ]
        return own + super().get_urls()

    def page_context(self, request: HttpRequest, row: Evidence) -> dict[str, Any]:
        """What the file shows: text at once, an image once it is asked for, a PDF as a download alone."""
        kind = KINDS[row.media_type]
        shown: preview.Preview | None = None
        if kind.shown_as == "text":
            try:
                shown = preview.of(row.media_type, verbs.content_of(evidence=row, by=actor(request)))
            except LostFileError:
                messages.error(request, _LOST)
        return {
            "title": row.name,
            "file": row,
            "kind": kind,
            "preview": shown,
            "excerpt_cases": self._cases_for_excerpts(request, row),
            "may_forget": request.user.has_perm("reports.delete_evidence"),
        }

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file's bytes, to save; the browser draws them in a page only as the image of our own page."""
        if request.method != "GET":
            raise Http404
        evidence = self.found(request, str(pk))
        try:
            content = verbs.content_of(evidence=evidence, by=actor(request), verb="open evidence")
        except LostFileError as error:
            raise Http404 from error
        headers = {
            "Content-Disposition": content_disposition_header(True, evidence.name) or "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(content, content_type=evidence.media_type, headers=headers)

    def release_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Releases chosen words of one attempt into a case."""
        if request.method != "POST":
            raise Http404
        self._require_decide(request)
        evidence, answers = self.found(request, str(pk)), request.POST
        case = self._cases_for_excerpts(request, evidence).filter(pk=key_in(answers.get("case", "")) or 0).first()
        if case is None:
            messages.error(request, "Choose one of the cases that its report is in.")
            return redirect("admin:reports_evidence_change", pk)
        try:
            excerpts.release_excerpt(
                evidence=evidence,
                case=case,
                number=_attempt(answers.get("attempt", "")),
                by=actor(request),
                prompt="prompt" in answers,
                output="output" in answers,
            )
        except (*REFUSALS, LostFileError) as error:
            messages.error(request, _LOST if isinstance(error, LostFileError) else sentence(error))
            return redirect("admin:reports_evidence_change", pk)
        messages.success(request, "Part of the case's wording now. Look for personal data in it before you publish.")
        return redirect(f"{reverse('admin:reports_case_change', args=[case.pk])}#fl-excerpts")

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Takes an excerpt out of its case again."""
        if request.method != "POST":
            raise Http404
        self._require_decide(request)
        seen = visible_cases(Case.objects.all(), actor(request)).order_by().values("pk")
        excerpt = get_object_or_404(Excerpt.objects.select_related("case"), pk=pk, case__in=seen)
        try:
            excerpts.take_back(excerpt=excerpt, by=actor(request))
            messages.success(request, "The excerpt is private again.")
        except REFUSALS as error:
            messages.error(request, sentence(error))
        return redirect("admin:reports_case_change", excerpt.case_id)

    def _require_decide(self, request: HttpRequest) -> None:
        if not request.user.has_perm("reports.decide"):
            raise PermissionDenied

    def _cases_for_excerpts(self, request: HttpRequest, evidence: Evidence) -> QuerySet[Case]:
        if not request.user.has_perm("reports.decide"):
            return Case.objects.none()
        return visible_cases(evidence.report.cases.filter(state__in=LIVE), actor(request)).order_by("pk")

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Erases the file for good."""
        if request.method != "POST":
            raise Http404
        evidence = self.found(request, str(pk))
        report = reverse("admin:reports_report_change", args=[evidence.report_id])
        try:
            verbs.forget(evidence=evidence, by=actor(request), reason=request.POST.get("reason", "").strip()[:300])
        except NotAllowedError as error:
            raise PermissionDenied from error
        messages.success(request, f"The file {evidence.name} is erased.")
        return redirect(report)


def _attempt(text: str) -> int:
    """The number of an attempt as the form sends it; one that no file has for anything else."""
    number = key_in(text)
    return MOST_ATTEMPTS if number is None else number
