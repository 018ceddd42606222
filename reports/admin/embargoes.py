"""The console's buttons for a case's embargo."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import ROLES
from reports import embargo
from reports.actors import NotReadyError, WrongStateError
from reports.admin.acting import actor
from reports.models import Case, Embargo, EmbargoChange


class EmbargoForm(forms.Form):
    """Until when, why, and who else sees the case meanwhile."""

    until = forms.DateTimeField(
        label="Until (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(label="Reason", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    may_see = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Who else sees the case",
        help_text="You and senior moderators always do. To everybody else it is as if it were not there.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        """Offers those who may publish and would not see it otherwise."""
        super().__init__(*args, **{"auto_id": "id_embargo_%s", **kwargs})
        publish = [role for role, allowed in ROLES.items() if "reports.publish" in allowed]
        see_all = [role for role, allowed in ROLES.items() if "reports.view_embargoed" in allowed]
        others = User.objects.filter(is_active=True, role__in=publish).exclude(role__in=see_all).exclude(pk=by.pk)
        self.fields["may_see"].queryset = others.order_by("username")  # type: ignore[attr-defined]


class EmbargoChangeForm(forms.Form):
    """Another end: later, or with no date at once."""

    until = forms.DateTimeField(
        required=False,
        label="Until (UTC)",
        help_text="Leave it empty to end the embargo at once.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    reason = forms.CharField(label="Reason", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """With ids of its own on a page of several forms."""
        super().__init__(*args, **{"auto_id": "id_embargo_change_%s", **kwargs})


def _set(request: HttpRequest, case: Case) -> None:
    by = actor(request)
    form = _valid(EmbargoForm(request.POST, by=by))
    found = embargo.set_embargo(case=case, by=by, **form.cleaned_data)
    messages.success(request, f"Nothing of this case becomes public before {found.until:%Y-%m-%d %H:%M} UTC.")


def _ask(request: HttpRequest, case: Case) -> None:
    form = _valid(EmbargoChangeForm(request.POST))
    found = Embargo.objects.filter(case=case).first()
    if found is None:
        raise WrongStateError(f"case {case.pk} has no embargo")
    embargo.ask_change(embargo=found, by=actor(request), **form.cleaned_data)
    messages.success(request, "Asked for. It holds once a second person agrees.")


def _agree(request: HttpRequest, case: Case) -> None:
    found = embargo.agree(change=_open_change(case), by=actor(request))
    messages.success(request, f"Agreed: the embargo ends at {found.until:%Y-%m-%d %H:%M} UTC.")


def _refuse(request: HttpRequest, case: Case) -> None:
    found = embargo.refuse(change=_open_change(case), by=actor(request))
    messages.success(request, f"Refused: the embargo still ends at {found.until:%Y-%m-%d %H:%M} UTC.")


def _open_change(case: Case) -> EmbargoChange:
    change = EmbargoChange.objects.filter(embargo__case=case, agreed=None).first()
    if change is None:
        raise WrongStateError("this was decided already")
    return change


def _valid(form: forms.Form) -> forms.Form:
    if not form.is_valid():
        raise NotReadyError([f"{form[field].label}: {' '.join(map(str, said))}" for field, said in form.errors.items()])
    return form


ACTS: dict[str, Callable[[HttpRequest, Case], None]] = {
    "set": _set,
    "ask": _ask,
    "agree": _agree,
    "refuse": _refuse,
}
