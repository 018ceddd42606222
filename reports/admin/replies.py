"""The console's buttons for the publisher's right of reply."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest

from reports import reply, statements
from reports.actors import NotReadyError
from reports.admin.acting import actor
from reports.models import Case, ReplyLink, Statement


class ReplyLinkForm(forms.Form):
    """For whom, and where it is sent."""

    publisher = forms.CharField(
        label="Publisher", max_length=200, help_text="Whose statement it will be, as the public should read it."
    )
    address = forms.EmailField(
        label="Mail address", required=False, help_text="Stored nowhere. Leave it empty to copy the link instead."
    )
    days = forms.IntegerField(label="Good for, in days", initial=reply.DAYS, min_value=1, max_value=reply.MOST_DAYS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Asks for no address where the node sends no mail."""
        super().__init__(*args, **{"auto_id": "id_reply_%s", **kwargs})
        if not settings.MAIL_ON:
            del self.fields["address"]


def _make(request: HttpRequest, case: Case) -> dict[str, Any] | None:
    """The link to copy, shown this once; None where it was mailed."""
    form = ReplyLinkForm(request.POST)
    if not form.is_valid():
        raise NotReadyError([f"{form[field].label}: {' '.join(map(str, said))}" for field, said in form.errors.items()])
    try:
        made = reply.make_link(case=case, by=actor(request), **form.cleaned_data)
    except OSError as error:
        raise NotReadyError([f"the mail could not be sent ({type(error).__name__}); nothing was made"]) from error
    if made.link.mailed_to:
        messages.success(request, f"The link was mailed to somebody at {made.link.mailed_to}.")
        return None
    return {"case": case, "link": made.link, "address": reply.address_of(made.token)}


def _revoke(request: HttpRequest, case: Case) -> None:
    reply.revoke(link=_named(ReplyLink, request, case), by=actor(request))
    messages.success(request, "The link no longer leads anywhere.")


def _approve(request: HttpRequest, case: Case) -> None:
    statement = _named(Statement, request, case)
    take_over = request.POST.get("take_over") == "on"
    release = statements.approve(statement=statement, by=actor(request), take_over=take_over)
    after = "It becomes public with the record." if release is None else "The record with it becomes public next."
    messages.success(request, f"Approved. {after}")


def _decline(request: HttpRequest, case: Case) -> None:
    statement = _named(Statement, request, case)
    statements.decline(statement=statement, by=actor(request), note=request.POST.get("note", "").replace("\x00", ""))
    messages.success(request, "Declined: it stays out of the record.")


def _named(rows: Any, request: HttpRequest, case: Case) -> Any:
    number = request.POST.get("number", "")
    found = rows.objects.filter(case=case, pk=int(number)).first() if number.isascii() and number.isdigit() else None
    if found is None:
        raise Http404
    return found


ACTS: dict[str, Callable[[HttpRequest, Case], dict[str, Any] | None]] = {
    "offer": _make,
    "revoke": _revoke,
    "approve": _approve,
    "decline": _decline,
}
