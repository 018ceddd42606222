"""The console's side of the conversation with a reporter: write, take back, ask, preview, decide on an appeal."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest

from accounts.models import User
from reports import appeals, conversation, leases, replies, workflow
from reports.admin.acting import actor
from reports.admin.onward import explain, go_on_if_asked, page_of
from reports.conversation import LONGEST
from reports.models import Appeal, AppealOutcome, Message, RejectReason, Report
from reports.replies import MOST_ADDED, AskReason


class SayForm(forms.Form):
    """Words to the reporter."""

    text = forms.CharField(
        label="To the reporter",
        max_length=LONGEST,
        error_messages={"required": "Write something first."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """With ids of its own on a page of several forms."""
        super().__init__(*args, **{"auto_id": "id_say_%s", **kwargs})


class AskForm(forms.Form):
    """What is needed from the reporter."""

    reason = forms.ChoiceField(
        choices=[("", "Choose what is needed"), *AskReason.choices],
        label="What is needed",
        error_messages={"required": "Choose what is needed."},
    )
    added = forms.CharField(
        required=False,
        max_length=MOST_ADDED,
        label="In your own words",
        help_text="Follows the canned question.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """With ids of its own on a page of several forms."""
        super().__init__(*args, **{"auto_id": "id_ask_%s", **kwargs})


class AppealForm(forms.Form):
    """What becomes of an appeal, and why."""

    outcome = forms.ChoiceField(
        choices=AppealOutcome.choices, widget=forms.RadioSelect, error_messages={"required": "Choose an outcome."}
    )
    text = forms.CharField(
        label="Why, to the reporter",
        max_length=LONGEST,
        error_messages={"required": "Say why: the reporter reads it."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """With ids of its own on a page of several forms."""
        super().__init__(*args, **{"auto_id": "id_appeal_%s", **kwargs})


def context(report: Report, by: User, moves: set[str]) -> dict[str, Any]:
    """What the page shows of the conversation, and the forms `by` may use."""
    may = by.has_perm("reports.decide")
    appeal = Appeal.objects.filter(report=report).select_related("against", "decided_by").first()
    is_open = appeal is not None and not appeal.outcome
    return {
        "said": conversation.read_by_moderator(report=report, by=by),
        "undo_seconds": conversation.UNDO_SECONDS,
        "unanswered": may and conversation.unanswered().filter(report=report).exists(),
        "say_form": SayForm() if may and report.receipt_key else None,
        "ask_form": AskForm() if "ask" in moves and report.receipt_key else None,
        "appeal": appeal,
        "appeal_is_yours": is_open and appeal is not None and appeal.against_id == by.pk,
        "appeal_form": AppealForm() if may and is_open and appeal is not None and appeal.against_id != by.pk else None,
    }


# --- Buttons: each takes the request and the report, and returns where to go -----------------------------------------
def say(request: HttpRequest, report: Report) -> str:
    """Writes to the reporter."""
    form = SayForm(request.POST)
    if form.is_valid():
        conversation.say(report=report, by=actor(request), text=form.cleaned_data["text"])
        leases.let_go(report=report, by=actor(request))
        messages.success(request, f"The reporter can read it in {conversation.UNDO_SECONDS} seconds; until then undo.")
        return go_on_if_asked(request, page_of(request, report))
    return explain(request, form, report)


def take_back(request: HttpRequest, report: Report) -> str:
    """Takes back what was just written."""
    number = request.POST.get("message", "")
    message = Message.objects.filter(report=report, pk=int(number)).first() if number.isdecimal() else None
    if message is None:
        raise Http404
    conversation.take_back(message=message, by=actor(request))
    messages.success(request, "The message was taken back; the reporter has not seen it.")
    return page_of(request, report)


def ask(request: HttpRequest, report: Report) -> str:
    """Asks the reporter for more."""
    form = AskForm(request.POST)
    if form.is_valid():
        reason, added = AskReason(form.cleaned_data["reason"]), form.cleaned_data["added"]
        workflow.ask(report=report, by=actor(request), reason=reason, added=added)
        messages.success(request, f"The reporter is asked: {reason.label.lower()}.")
    return explain(request, form, report)


def resume(request: HttpRequest, report: Report) -> str:
    """Waits no longer."""
    workflow.resume(report=report, by=actor(request))
    return page_of(request, report)


def nothing_to_answer(request: HttpRequest, report: Report) -> str:
    """What the reporter wrote is dealt with by having been read."""
    conversation.nothing_to_answer(report=report, by=actor(request))
    leases.let_go(report=report, by=actor(request))
    messages.success(request, f"What the reporter wrote on report {report.pk} waits no longer.")
    return go_on_if_asked(request, page_of(request, report))


def decide_appeal(request: HttpRequest, report: Report) -> str:
    """Ends an appeal."""
    form = AppealForm(request.POST)
    if form.is_valid():
        outcome, text = AppealOutcome(form.cleaned_data["outcome"]), form.cleaned_data["text"]
        appeals.decide(report=report, by=actor(request), outcome=outcome, text=text)
        messages.success(request, f"The appeal is decided: {outcome.label.lower()}.")
        return go_on_if_asked(request, page_of(request, report))
    return explain(request, form, report)


def preview(form: forms.Form, report: Report) -> str:
    """What the reporter would read, from a valid form of a reason."""
    reasons: dict[str, Any] = {reason.value: reason for reason in (*AskReason, *RejectReason)}
    return replies.compose(reasons[form.cleaned_data["reason"]], report, form.cleaned_data["added"])
