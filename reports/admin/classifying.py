"""The page of curators: cases by their public wording alone, and the terms of other taxonomies they stand under."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from reports import classifying
from reports.admin.acting import REFUSALS, actor, key_in, sentence
from reports.admin.choices import category_title, read_term, suggested_terms, term_title, terms
from reports.embargo import visible_cases
from reports.models import LIVE, Case
from reports.redaction import masked

CASES_ON_A_PAGE = 50


def listed(request: HttpRequest) -> HttpResponseBase:
    """The cases that can be classified, the least classified first."""
    _require(request)
    cases = visible_cases(Case.objects.filter(state__in=LIVE), actor(request)).select_related("incident")
    cases = cases.annotate(terms=Count("classifications")).order_by("terms", "-opened_at", "-pk")
    page = Paginator(cases, CASES_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [(case, masked(case.title), category_title(case.category) if case.category else "-") for case in page]
    return _page(request, "list", title="Classify cases", page=page, rows=rows)


def one(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One case's wording and terms; by POST they change."""
    _require(request)
    case = get_object_or_404(visible_cases(Case.objects.all(), actor(request)), pk=pk)
    if request.method == "POST":
        try:
            _save(request, case)
        except REFUSALS as error:
            messages.error(request, sentence(error))
        except forms.ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("admin:reports_case_classify", pk)
    has = list(case.classifications.order_by("taxonomy", "term"))
    held = {f"{row.taxonomy} {row.term}" for row in has}
    return _page(
        request,
        "page",
        title=f"Classify case {case.pk}",
        case=case,
        wording=[masked(text) for text in (case.title, case.summary, case.description)],
        category=category_title(case.category) if case.category else "-",
        has=[(row, term_title(row.taxonomy, row.term)) for row in has],
        suggested=[(code, title) for code, title in suggested_terms(case.category) if code not in held],
        terms=terms(),
    )


def _save(request: HttpRequest, case: Case) -> None:
    typed = [text.strip() for text in request.POST.getlist("term") if text.strip()]
    add = [read_term(text) for text in typed]
    drop = [number for text in request.POST.getlist("drop") if (number := key_in(text)) is not None]
    classifying.classify(case=case, by=actor(request), add=add, drop=drop)
    messages.success(request, "Saved. What is public changes when a moderator corrects the record.")


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(classifying.PERMISSION):
        raise PermissionDenied


def _page(request: HttpRequest, name: str, **context: Any) -> HttpResponseBase:
    shell = {**admin.site.each_context(request), "is_nav_sidebar_enabled": False}
    return TemplateResponse(request, f"admin/reports/classify/{name}.html", {**shell, **context})


def urls(wrap: Callable[..., Any]) -> list[URLPattern]:
    """The addresses of these pages, below the cases'."""
    return [
        path("classify/", wrap(listed), name="reports_case_classify_list"),
        path("<int:pk>/classify/", wrap(one), name="reports_case_classify"),
    ]
