"""Reporting: the form, the receipt, and following a report by it. The only pages that reach private rows."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from catalogue.hub import hubs
from incidents.record import Kind
from incidents.taxonomy import OWN, taxonomies
from lib import uploads
from reports import evidence, notices
from reports.evidence import RefusedFileError
from reports.submission import Submission
from website.files import FIELD, FilesForm


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _categories() -> Iterator[tuple[str, Any]]:
    yield "", "Choose one"
    for term, children in taxonomies()[OWN].tree():
        if children:
            yield (
                term.title,
                [(term.code, f"{term.title}: general"), *((child.code, child.title) for child in children)],
            )
        else:
            yield term.code, term.title


class ReportForm(FilesForm):
    """The form's fields. What is valid is said once, by `Submission`; its errors come back to the fields here."""

    models = forms.CharField(
        label="Which model?",
        error_messages={"required": "Name the model."},
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
    )
    category = forms.ChoiceField(
        label="What kind of problem is it?",
        choices=_categories,
        error_messages={"required": "Choose the category that fits best."},
    )
    kind = forms.ChoiceField(
        label="Has harm happened?",
        choices=[
            (Kind.INCIDENT, "Yes: somebody was harmed, or somebody tried"),
            (Kind.HAZARD, "Not that I know: it is a flaw that could do harm"),
            (Kind.EXERCISE, "No: it is a demonstration or a red-team exercise"),
            (Kind.MEASUREMENT, "No: it is a benchmark or audit result"),
        ],
        initial=Kind.INCIDENT,
        widget=forms.RadioSelect,
    )
    title = forms.CharField(
        label="In one line", required=False, help_text="A headline, such as: recommends one shop in most recipes."
    )
    text = forms.CharField(
        label="What happened?",
        error_messages={"required": "Say what happened."},
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text="What you saw, with which prompt or file, how often, and how somebody else can see it too. "
        "Leave out names and details of private persons.",
    )
    occurred = forms.CharField(
        label="When?", required=False, help_text="A day, a month or a year: 2026-03-14, 2026-03 or 2026."
    )
    links = forms.CharField(
        label="Where can the evidence be seen?",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Links, one a line.",
    )
    contact = forms.CharField(
        label="How can moderators reach you?",
        required=False,
        help_text="Stored encrypted, seen by moderators only, never published.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Names the hubs there are."""
        super().__init__(*args, **kwargs)
        titles = ", ".join(hub.title for hub in hubs().values())
        self.fields["models"].help_text = (
            f"A link to it on a hub ({titles}), org/name on Hugging Face, or a package URL such as "
            "pkg:huggingface/org/name@commit. One a line. If it is on no hub, its name."
        )

    def clean(self) -> dict[str, Any]:
        """Adds the Submission, or its errors at the fields they belong to: all of them at once, one a field."""
        cleaned: dict[str, Any] = super().clean() or {}
        answers = {
            **cleaned,
            "models": _lines(cleaned.get("models", "")),
            "links": _lines(cleaned.get("links", "")),
            "occurred": cleaned.get("occurred") or None,
        }
        try:
            cleaned["submission"] = Submission.model_validate(answers)
        except ValidationError as error:
            for problem in error.errors():
                if (field := str(problem["loc"][0])) not in self.errors:
                    self.add_error(field, _plain(problem))
        return cleaned


_PLAIN = {
    "occurred": "Write a day, a month or a year: 2026-03-14, 2026-03 or 2026.",
    "links": "Each line is one link that begins with https:// or http://; at most 50.",
    "models": "Name one model a line, at most 20 of them.",
}


def _plain(problem: Any) -> str:
    field = str(problem["loc"][0])
    return _PLAIN.get(field) or str(problem["msg"]).replace("String should have", "Write").rstrip(".") + "."


class ReceiptForm(forms.Form):
    """A receipt code."""

    receipt = forms.CharField(
        label="Receipt code",
        error_messages={"required": "Enter the receipt code."},
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form; once it is stored, the receipt, shown this once."""
    # The check for forged requests reads the form, so it comes after the word that this one may bring files.
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return _report(request, uploads.accept(request, FIELD))


@csrf_protect
def _report(request: HttpRequest, taking: uploads.Collect) -> HttpResponse:
    form = ReportForm(request.POST or None, request.FILES or None, refused=taking.refused)
    if request.method == "POST" and form.is_valid():
        try:
            submitted = evidence.submit_with_files(
                submission=form.cleaned_data["submission"], source="form", files=form.held
            )
        except RefusedFileError as error:
            form.add_error(FIELD, str(error))
        else:
            return private(render(request, "website/receipt.html", {"receipt": submitted.receipt}, status=201))
    return form_page(request, form)


def form_page(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """The form, as it is filled in."""
    context = {"form": form, "tree": taxonomies()[OWN].tree()}
    return private(render(request, "website/report.html", context, status=400 if form.errors else 200))


def too_large(request: HttpRequest) -> HttpResponse:
    """For a body that is not even skimmed."""
    return private(render(request, "website/413.html", {"most": uploads.MOST_BYTES_AT_ONCE}, status=413))


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """A report's state, for whoever posts its receipt."""
    form = ReceiptForm(request.POST or None)
    if not (request.method == "POST" and form.is_valid()):
        return status_page(request, form)
    receipt = form.cleaned_data["receipt"]
    notice = notices.status_for(receipt)
    if notice is None:
        return status_page(request, unknown_receipt(receipt))
    return status_page(request, form, notice=notice, add_form=FilesForm(), receipt=receipt)


def unknown_receipt(typed: str) -> ReceiptForm:
    """The form that asks for a receipt, saying that there is no such report."""
    form = ReceiptForm({"receipt": typed})
    form.add_error("receipt", "No report has this receipt. Check it for mistyped characters.")
    return form


def status_page(request: HttpRequest, form: forms.Form, **shown: Any) -> HttpResponse:
    """Where a report stands; without a `notice`, the form that asks for a receipt."""
    context = {"form": form, **shown}
    wrong = 400 if "notice" in shown else 404
    return private(render(request, "website/status.html", context, status=wrong if form.errors else 200))


def private(response: HttpResponse) -> HttpResponse:
    """The response, kept by nobody, and its address told to nobody else."""
    # Not "no-referrer": under it browsers post with `Origin: null`, which the check for forged requests refuses.
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store"
    return response
