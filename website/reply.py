"""The right of reply: the page behind a publisher's link. Reading changes nothing; the link in its address is the key.

No cookie is set or read, so no other site can act in a publisher's name: the check for forged requests has nothing to
check, and the page can forbid referrers altogether.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.formsets import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from incidents.record import PublisherStatus, RevisionStatus
from reports import embargo, reply, statements
from reports.actors import NotReadyError, WrongStateError
from reports.models import ReplyLink
from website.reporting.vocabulary import standing

MOST_REVISIONS = 20
_BLANK_ROWS = 2


class StatementForm(forms.Form):
    """The publisher's words."""

    text = forms.CharField(
        label=_("Your statement"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown, 10,000 characters at most. It is printed under your name, as you write it."),
    )


class RevisionForm(forms.Form):
    """What the publisher says of one revision."""

    model = forms.TypedChoiceField(label=_("Model"), coerce=int)
    revision = forms.CharField(
        label=_("Revision"), required=False, max_length=200, help_text=_("A commit. Empty: all that are not named.")
    )
    status = forms.ChoiceField(
        label=_("It is"),
        required=False,
        choices=[
            ("", _("I say nothing of it")),
            (PublisherStatus.AFFECTED, _("Affected")),
            (PublisherStatus.NOT_AFFECTED, _("Not affected")),
            (PublisherStatus.FIXED, _("Fixed in a later revision")),
            (PublisherStatus.DISPUTED, _("Not as the record says: we dispute it")),
        ],
    )
    fixed_in = forms.CharField(
        label=_("Fixed in"), required=False, max_length=200, help_text=_("The commit, if it is fixed.")
    )

    def __init__(self, *args: Any, models: list[Mapping[str, Any]], **kwargs: Any) -> None:
        """Offers the models of the case."""
        super().__init__(*args, **kwargs)
        self.models = models
        self.fields["model"].choices = [(number, model["name"]) for number, model in enumerate(models)]  # type: ignore[attr-defined]
        for name in ("revision", "fixed_in"):
            self.fields[name].widget.attrs["spellcheck"] = "false"

    def clean(self) -> dict[str, Any]:
        """Adds `said`, or None where nothing is said."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors or not cleaned.get("status"):
            return {**cleaned, "said": None}
        status, fixed_in = cleaned["status"], cleaned["fixed_in"] or None
        if (status == PublisherStatus.FIXED) != (fixed_in is not None):
            raise forms.ValidationError(gettext("Name the revision that fixed it if it is fixed, and only then."))
        model = self.models[cleaned["model"]]
        try:
            said = RevisionStatus(
                hub=model["hub"],
                name=model["name"],
                revision=cleaned["revision"] or None,
                status=status,
                fixed_in=fixed_in,
            )
        except ValidationError:
            raise forms.ValidationError(gettext("A revision is one word: a commit, a branch or a tag.")) from None
        return {**cleaned, "said": said}


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """What the record says, and the publisher's answer to it."""
    link = reply.find_link(token)
    if link is None:
        return _private(render(request, "website/reply_gone.html", status=404))
    if request.method == "POST" and "acknowledge" in request.POST:
        reply.acknowledge(link=link)
        return _private(redirect("website:reply", token=token))
    if hasattr(link, "statement"):
        return _private(
            render(
                request,
                "website/reply_given.html",
                {"link": link, "statement": link.statement, "standing": standing(link.statement.state)},
            )
        )
    return _private(_answer(request, token, link))


def _answer(request: HttpRequest, token: str, link: ReplyLink) -> HttpResponse:
    """The form; once it is sent, the same address with nothing left to send."""
    posted = request.POST if request.method == "POST" else None
    form, revisions = StatementForm(posted), _revisions(posted, link)
    if posted is not None and form.is_valid() and revisions.is_valid():
        said = [row.cleaned_data["said"] for row in revisions if row.cleaned_data.get("said")]
        try:
            statements.give(link=link, text=form.cleaned_data["text"], statuses=said)
        except NotReadyError:
            form.add_error("text", gettext("Write a statement, or say what is true of a revision."))
        except WrongStateError:
            return render(request, "website/reply_gone.html", status=404)
        else:
            return redirect("website:reply", token=token)
    bad = bool(form.errors) or (posted is not None and not revisions.is_valid())
    return render(request, "website/reply.html", _context(token, link, form, revisions), status=400 if bad else 200)


def _revisions(posted: Any, link: ReplyLink) -> BaseFormSet:
    models = link.shown["models"]
    rows = forms.formset_factory(
        RevisionForm, extra=_BLANK_ROWS, max_num=MOST_REVISIONS, absolute_max=MOST_REVISIONS, validate_max=True
    )
    known = [{"model": number, "revision": model["revision"] or ""} for number, model in enumerate(models)]
    return rows(
        posted,
        initial=known[: MOST_REVISIONS - _BLANK_ROWS],
        prefix="revisions",
        form_kwargs={"models": models},
    )


def _context(token: str, link: ReplyLink, form: StatementForm, revisions: BaseFormSet) -> dict[str, Any]:
    return {
        "token": token,
        "link": link,
        "shown": link.shown,
        "incident": link.case.incident,
        "embargo": embargo.in_force(link.case),
        "form": form,
        "revisions": revisions,
        "statuses": list(PublisherStatus),
    }


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
