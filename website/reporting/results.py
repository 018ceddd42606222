"""A red-team tool's result file that begins a report: it fills a draft as far as it goes, and is attached to it."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from lib import uploads
from lib.wording import in_words
from reports import evidence
from reports.abuse import limits
from reports.drafts import Answers
from reports.evidence import Held, RefusedFileError
from reports.redteam_draft import Draft
from reports.redteam_results import adapters
from website import guard
from website.files import too_large
from website.private import private
from website.reporting import steps
from website.reporting.browser import start_draft


class ResultsForm(forms.Form):
    """A red-team tool's result file."""

    results = forms.FileField(
        label=_("Result file"),
        allow_empty_file=True,
        error_messages={"required": _("Choose a result file.")},
        widget=forms.FileInput(attrs={"accept": ".json,.jsonl"}),
    )


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def from_results(request: HttpRequest) -> HttpResponse:
    """Asks for a result file; given one, starts a draft with what it says, for the reporter to go over."""
    # The check for forged requests reads the form, so it comes after the word that this one may bring files.
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return private(_from_results(request, uploads.accept(request, "results")))


@csrf_protect
def _from_results(request: HttpRequest, taking: uploads.Collect) -> HttpResponse:
    form = ResultsForm(request.POST, request.FILES) if request.method == "POST" else ResultsForm()
    if form.is_bound and form.is_valid():
        if wait := limits.take(limits.FILES, guard.network(request)):
            return guard.too_many(request, wait)
        try:
            held, draft = evidence.draft_from(form.cleaned_data["results"])
        except RefusedFileError as error:
            form.add_error("results", in_words(error))
        else:
            return start_draft(request, _answers(held, draft))
    elif taking.refused:
        form.errors.clear()
        form.add_error("results", in_words(taking.refused[0][1]))
    context = {"form": form, "tools": [adapter.title for adapter in adapters().values()]}
    return render(request, "website/from_results.html", context, status=400 if form.errors else 200)


def _answers(held: Held, draft: Draft) -> Answers:
    """The draft as a reporter would have entered it."""
    return {
        "models": {"models": ["\n".join(draft.models)]},
        "problem": {"kind": [draft.kind]},
        "account": {"title": [draft.title], "text": [draft.text], "occurred": [draft.occurred or ""]},
        "evidence": {steps.HELD: [held.token]},
    }
