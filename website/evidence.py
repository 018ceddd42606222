"""Files beside the form: a red-team tool's results that begin a report, and evidence added behind a receipt."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from lib import uploads
from reports import evidence, notices
from reports.evidence import RefusedFileError
from reports.models import Evidence
from reports.redteam_results import adapters
from website.files import FIELD, FilesForm
from website.report import ReportForm, form_page, private, status_page, too_large, unknown_receipt


class ResultsForm(forms.Form):
    """A red-team tool's result file."""

    results = forms.FileField(
        label="Result file",
        allow_empty_file=True,
        error_messages={"required": "Choose a result file."},
        widget=forms.FileInput(attrs={"accept": ".json,.jsonl"}),
    )


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def from_results(request: HttpRequest) -> HttpResponse:
    """Asks for a result file; given one, shows the form as far as it fills it, the file attached."""
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return _from_results(request, uploads.accept(request, "results"))


@csrf_protect
def _from_results(request: HttpRequest, taking: uploads.Collect) -> HttpResponse:
    form = ResultsForm(request.POST, request.FILES) if request.method == "POST" else ResultsForm()
    if form.is_bound and form.is_valid():
        try:
            held, draft = evidence.draft_from(form.cleaned_data["results"])
        except RefusedFileError as error:
            form.add_error("results", str(error))
        else:
            initial = {**draft.answers(), "models": "\n".join(draft.models), "occurred": draft.occurred or ""}
            return form_page(request, ReportForm(initial=initial, held=[held]))
    elif taking.refused:
        form.errors.clear()
        form.add_error("results", taking.refused[0][1])
    context = {"form": form, "tools": [adapter.title for adapter in adapters().values()]}
    return private(render(request, "website/from_results.html", context, status=400 if form.errors else 200))


@never_cache
@csrf_exempt
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Adds files to the report that the posted receipt belongs to."""
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return _add(request, uploads.accept(request, FIELD))


@csrf_protect
def _add(request: HttpRequest, taking: uploads.Collect) -> HttpResponse:
    receipt = request.POST.get("receipt", "")
    notice = notices.status_for(receipt)
    if notice is None:
        # Its files are not looked at: an unknown receipt makes no work.
        return status_page(request, unknown_receipt(receipt))
    form = FilesForm(request.POST, request.FILES, refused=taking.refused)
    added: list[Evidence] = []
    if form.is_valid():
        try:
            added = evidence.add_with_receipt(typed=receipt, files=form.held)
        except RefusedFileError as error:
            form.add_error(FIELD, str(error))
        if not (added or form.errors):
            form.add_error(FIELD, "Choose a file.")
    adding = {"add_form": FilesForm() if added else form, "added": added, "receipt": receipt}
    return status_page(request, form, notice=notice, **adding)
