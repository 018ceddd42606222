"""Reporting: the form and the receipt."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from catalogue.hub import hubs
from incidents.record import Kind
from incidents.taxonomy import OWN, taxonomies
from reports import abuse, receipts, workflow
from reports.abuse import Facts
from reports.submission import Submission
from website import guard
from website.status import private


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


class ReportForm(forms.Form):
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


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form; once it is stored, the receipt, shown this once."""
    form = ReportForm(request.POST or None)
    wait = 0.0
    if request.method == "POST" and form.is_valid():
        facts = guard.facts_of(request)
        wait = guard.seconds_to_wait(request, facts)
        if not wait:
            return private(_submitted(request, form, facts))
        form.add_error(
            None, f"Too many reports came from your network. {guard.wait_words(wait)} Your text is still here."
        )
    context = {"form": form, "tree": taxonomies()[OWN].tree(), "guard": guard.guard()}
    response = render(request, "website/report.html", context, status=429 if wait else 400 if form.errors else 200)
    return private(guard.with_retry(response, wait) if wait else response)


def _submitted(request: HttpRequest, form: ReportForm, facts: Facts) -> HttpResponse:
    submission = form.cleaned_data["submission"]
    submitted = workflow.submit(submission=submission, source="form", suspicion=abuse.judge(facts, submission))
    context = {
        "receipt": submitted.receipt,
        "mail_on": settings.MAIL_ON,
        "pass": receipts.new_pass(submitted.report),
    }
    return render(request, "website/receipt.html", context, status=201)
