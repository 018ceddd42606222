"""The buttons of a case that move reports and cases about: merge, part again, split, take a report out."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse

from accounts import step_up
from accounts.models import User
from reports import grouping, merging, release
from reports.actors import WrongStateError
from reports.admin.acting import REFUSALS, actor, key_in, sentence
from reports.admin.decisions import case_named
from reports.admin.release_panel import outcome
from reports.conflicts import conflict_with_case
from reports.embargo import visible_cases
from reports.joining import are_public
from reports.models import LIVE, Case, CaseState, Merge


class MergeForm(forms.Form):
    """Into which case, and why."""

    into = forms.CharField(
        label="Into the case with number or public id",
        max_length=20,
        error_messages={"required": "Say into which case."},
        widget=forms.TextInput(attrs={"size": 18, "autocomplete": "off"}),
    )
    notice = forms.CharField(
        label="Reason",
        required=False,
        max_length=2000,
        help_text="Public, and required, where both cases are public; then it takes a second person.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        """For whoever may see the case it is merged into."""
        super().__init__(*args, **{"auto_id": "id_merge_%s", **kwargs})
        self.by = by

    def clean_into(self) -> Case:
        """The case."""
        text = self.cleaned_data["into"].strip().upper()
        if (case := case_named(text, self.by)) is None:
            raise forms.ValidationError(f"There is no case {text}.")
        return case


def context(case: Case, by: User, typed: Mapping[str, str]) -> dict[str, Any]:
    """What the case's page offers of this, and what was merged into it; `typed` before the second factor was asked."""
    may = by.has_perm("reports.decide") and not conflict_with_case(by, case)
    seen = visible_cases(Case.objects.all(), by).order_by().values("pk")
    merged = Merge.objects.filter(parted_at=None, into__in=seen).select_related("case", "into")
    return {
        "merge_form": MergeForm(by=by, initial=dict(typed)) if may and case.state in LIVE else None,
        "may_move_reports": may and case.state in LIVE and case.reports.count() > 1,
        "merged_into": merged.filter(case=case).first() if case.state == CaseState.MERGED else None,
        "may_unmerge": may and case.state == CaseState.MERGED,
        "merged_cases": list(merged.filter(into=case).order_by("pk")),
        "split_models": list(case.models.select_related("alias").order_by("pk")),
    }


def _merge(request: HttpRequest, case: Case) -> str:
    form = MergeForm(request.POST, by=actor(request))
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, " ".join(map(str, problems)))
        return _page(case)
    into, by = form.cleaned_data["into"], actor(request)
    if are_public(case, into):
        notice = form.cleaned_data["notice"].replace("\x00", "")
        made = release.schedule(case=case, verb="merge", into=into, by=by, notice=notice)
        messages.success(request, outcome(made))
        return _page(case)
    merging.merge(case=case, into=into, by=by)
    messages.success(request, f"Case {case.pk} is merged into this one. It can be parted again at any time.")
    return _page(into)


def _undo_merge(request: HttpRequest, case: Case) -> str:
    merged = Merge.objects.filter(case=case, parted_at=None).select_related("case", "into").first()
    if merged is None:
        raise WrongStateError(f"case {case.pk} is not merged into another")
    merging.undo(merged=merged, by=actor(request))
    messages.success(request, f"Undone: case {case.pk} stands by itself again.")
    return _page(case)


def _unmerge(request: HttpRequest, case: Case) -> str:
    merging.unmerge(case=case, by=actor(request), notice=request.POST.get("notice", "").replace("\x00", ""))
    messages.success(request, f"Case {case.pk} stands by itself again.")
    return _page(case)


def _split(request: HttpRequest, case: Case) -> str:
    reports = case.reports.filter(pk__in=_numbers(request, "report"))
    models = case.models.filter(pk__in=_numbers(request, "model"))
    new = merging.split(case=case, reports=reports, models=models, by=actor(request))
    messages.success(request, f"Split from case {case.pk}. Word this one; correct the other if it is public.")
    return _page(new)


def _take_out(request: HttpRequest, case: Case) -> str:
    report = case.reports.filter(pk__in=_numbers(request, "report")).first()
    if report is None:
        messages.error(request, "Choose one of the case's reports.")
        return _page(case)
    moved = grouping.take_out(report=report, case=case, by=actor(request))
    where = "back in the queue" if not moved.cases.exists() else "still in its other cases"
    messages.success(request, f"Report {report.pk} is no longer in this case; it is {where}.")
    return _page(case)


def _numbers(request: HttpRequest, name: str) -> list[int]:
    return [number for text in request.POST.getlist(name) if (number := key_in(text)) is not None]


def _page(case: Case) -> str:
    return reverse("admin:reports_case_change", args=[case.pk])


_BUTTONS: dict[str, Callable[[HttpRequest, Case], str]] = {
    "merge": _merge,
    "unmerge": _unmerge,
    "undo-merge": _undo_merge,
    "split": _split,
    "take-out": _take_out,
}


def press(request: HttpRequest, pk: int, verb: str) -> HttpResponseBase:
    """One of these verbs on one case."""
    if not request.user.has_perm("reports.view_case"):
        raise PermissionDenied
    if request.method != "POST" or verb not in _BUTTONS:
        raise Http404
    case = get_object_or_404(visible_cases(Case.objects.all(), actor(request)), pk=pk)
    typed = {name: request.POST.get(name, "") for name in ("into", "notice")}
    is_public = verb in ("merge", "unmerge") and case.incident is not None
    if is_public and (proof := step_up.asked_for(request, page=_page(case), press=verb, **typed)):
        return proof
    try:
        return redirect(_BUTTONS[verb](request, case))
    except REFUSALS as error:
        messages.error(request, sentence(error))
    return redirect(_page(case))


def urls(wrap: Callable[..., Any]) -> list[URLPattern]:
    """The address of these buttons."""
    return [path("<int:pk>/group/<slug:verb>/", wrap(press), name="reports_case_group")]
