"""Following a report by its receipt: where it stands, and what reporter and moderators say to each other.

The code is typed once and posted. From then on the page carries a pass that runs out, so that the code stands in no
page, no address, no cookie and no history; closing the tab ends it.
"""

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from lib.wording import in_words
from reports import appeals, conversation, mail, notices, receipts, withdrawal
from reports.abuse import limits
from reports.actors import WrongStateError
from reports.appeals import AppealedBeforeError
from reports.conversation import RefusedMessageError
from reports.mail import RefusedMailAddressError
from reports.models import MailAddress, Report, ReportState
from website import guard
from website.files import FilesForm
from website.private import private

_REFUSALS = (RefusedMessageError, RefusedMailAddressError, AppealedBeforeError, WrongStateError)


class ReceiptForm(forms.Form):
    """A receipt code."""

    receipt = forms.CharField(
        label=_("Receipt code"),
        error_messages={"required": _("Enter the receipt code.")},
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )


class MessageForm(forms.Form):
    """Words to the moderators."""

    text = forms.CharField(
        label=_("Your message"),
        error_messages={"required": _("Write something first.")},
        max_length=conversation.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
    )


class EvidenceForm(forms.Form):
    """More evidence."""

    text = forms.CharField(
        label=_("What did you find?"),
        required=False,
        max_length=conversation.LONGEST,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"}),
        help_text=_("A transcript, a log, how to see it. Leave out names and details of private persons."),
    )
    links = forms.CharField(
        label=_("Links"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("Where it can be seen, one a line."),
    )


class AppealForm(forms.Form):
    """Why a rejection is wrong."""

    text = forms.CharField(
        label=_("Why should we look again?"),
        error_messages={"required": _("Say why we should look again.")},
        max_length=conversation.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
    )


class MailForm(forms.Form):
    """Where to write that there is news."""

    address = forms.CharField(
        label=_("Mail address"),
        error_messages={"required": _("Enter a mail address.")},
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Stored encrypted, never shown to anybody, erased when you say so."),
    )


class WithdrawForm(forms.Form):
    """The last word."""

    sure = forms.BooleanField(
        label=_("I withdraw this report. I know that the code then leads nowhere."),
        error_messages={"required": _("Tick the box to withdraw the report.")},
    )


class ForgetForm(forms.Form):
    """One button."""


HEADINGS = {
    ReportState.RECEIVED: pgettext_lazy("report", "Received"),
    ReportState.IN_REVIEW: pgettext_lazy("report", "In review"),
    ReportState.NEEDS_INFO: _("A question for you"),
    ReportState.ACCEPTED: pgettext_lazy("report", "Accepted"),
    ReportState.REJECTED: pgettext_lazy("report", "Not taken up"),
    ReportState.WITHDRAWN: pgettext_lazy("report", "Withdrawn"),
}
FORMS: dict[str, type[forms.Form]] = {
    "message": MessageForm,
    "evidence": EvidenceForm,
    "appeal": AppealForm,
    "mail": MailForm,
    "forget": ForgetForm,
    "withdraw": WithdrawForm,
}


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """A report, for whoever posts its receipt; then, for a while, for whoever posts the pass of its page."""
    if request.method != "POST":
        return private(_ask_for_code(request, ReceiptForm()))
    return private(_with_pass(request) if "pass" in request.POST else _with_code(request))


def _ask_for_code(request: HttpRequest, form: ReceiptForm, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "website/status.html", {"form": form, **context}, status=status)


def _with_code(request: HttpRequest) -> HttpResponse:
    network = guard.network(request)
    if wait := limits.take(limits.RECEIPT, network):
        return guard.too_many(request, wait)
    form = ReceiptForm(request.POST)
    report = receipts.report_for(form.cleaned_data["receipt"]) if form.is_valid() else None
    if report is None:
        if not form.errors:
            form.add_error("receipt", gettext("No report has this receipt. Check it for mistyped characters."))
        return _ask_for_code(request, form, status=404)
    limits.give_back(limits.RECEIPT, network)
    return page(request, report)


def ask_again(request: HttpRequest, written: str = "") -> HttpResponse:
    """For a page that was open for too long: asks for the code, and gives back what was written."""
    return _ask_for_code(request, ReceiptForm(), status=403, again=True, written=written)


def _with_pass(request: HttpRequest) -> HttpResponse:
    report = receipts.report_for_pass(request.POST["pass"])
    if report is None:
        written = next((str(text) for name, text in request.POST.items() if name.endswith("-text")), "")
        return ask_again(request, written)
    act = request.POST.get("act", "")
    if act not in FORMS:
        return page(request, report)
    form = FORMS[act](request.POST, prefix=act)
    if form.is_valid():
        if wait := limits.take(limits.MESSAGE, guard.network(request)):
            told = gettext("Too much came from your network. %(wait)s Your text is still here.")
            form.add_error(None, told % {"wait": guard.wait_words(wait)})
            return guard.with_retry(page(request, report, status=429, failed={act: form}), wait)
        try:
            done = _ACTS[act](report, form.cleaned_data, request.POST.get("once", ""))
        except _REFUSALS as error:
            form.add_error(None, _sentence(error))
        else:
            if act == "withdraw":
                return render(request, "website/withdrawn.html")
            report.refresh_from_db()
            return page(request, report, done=done)
    return page(request, report, status=400, failed={act: form})


def page(
    request: HttpRequest,
    report: Report,
    *,
    status: int = 200,
    done: str = "",
    failed: dict[str, forms.Form] | None = None,
) -> HttpResponse:
    """Where a report stands, what was said, and what can be done; `failed` is the form that was not accepted."""
    shown = {act: form(prefix=act) for act, form in FORMS.items()} | {"files": FilesForm()} | (failed or {})
    context = {
        "notice": notices.status_of(report),
        "heading": HEADINGS[ReportState(report.state)],
        "messages_said": conversation.read_by_reporter(report=report),
        "forms": shown,
        "failed": next(iter(failed.values())) if failed else None,
        "open": next(iter(failed)) if failed else "",
        "pass": receipts.new_pass(report),
        "once": secrets.token_urlsafe(16),
        "done": done,
        "may_appeal": appeals.may_appeal(report),
        "mail_on": settings.MAIL_ON,
        "has_mail": MailAddress.objects.filter(report=report).exists(),
        "asked": report.state == ReportState.NEEDS_INFO,
        "minutes": receipts.PASS_SECONDS // 60,
    }
    return render(request, "website/thread.html", context, status=status)


def _sentence(error: Exception) -> str:
    if isinstance(error, WrongStateError):  # worded for moderators
        return gettext("This is no longer possible: the report stands differently by now.")
    return in_words(error)


# --- Acts: each takes the report, the answers and the form's own token, and returns what was done --------------------
def _message(report: Report, answers: dict[str, Any], once: str) -> str:
    conversation.answer(report=report, text=answers["text"], once=once)
    return gettext("Your message is stored. Moderators see it from now on.")


def _evidence(report: Report, answers: dict[str, Any], once: str) -> str:
    links = answers["links"].splitlines()
    conversation.add_evidence(report=report, text=answers["text"], links=links, once=once)
    return gettext("Your evidence is stored with the report.")


def _appeal(report: Report, answers: dict[str, Any], once: str) -> str:
    appeals.appeal(report=report, text=answers["text"], once=once)
    return gettext("Your appeal is stored. Somebody else than before will read the report.")


def _mail(report: Report, answers: dict[str, Any], _once: str) -> str:
    mail.leave_address(report=report, address=answers["address"], language=str(get_language()))
    return gettext("We will write to this address when there is news, and say no more than that.")


def _forget(report: Report, _answers: dict[str, Any], _once: str) -> str:
    mail.erase_address(report=report)
    return gettext("The address is erased.")


def _withdraw(report: Report, _answers: dict[str, Any], _once: str) -> str:
    withdrawal.withdraw(report=report)
    return gettext("Your report is withdrawn.")


_ACTS: dict[str, Callable[[Report, dict[str, Any], str], str]] = {
    "message": _message,
    "evidence": _evidence,
    "appeal": _appeal,
    "mail": _mail,
    "forget": _forget,
    "withdraw": _withdraw,
}
