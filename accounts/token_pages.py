"""The page on which everybody with an account makes and revokes their API tokens."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import tokens
from accounts.models import ApiToken, Scope, User
from accounts.second_factor import require_recent
from accounts.tokens import TokenNotMadeError

_LIFETIMES = [(days, "a year" if days == max(tokens.LIFETIMES) else f"{days} days") for days in tokens.LIFETIMES]


class NewToken(forms.Form):
    """What a new token is for."""

    name = forms.CharField(max_length=100, help_text="Where it is used, so that you know it again: CI of our registry.")
    scopes = forms.MultipleChoiceField(
        label="What it may do", choices=Scope.choices, initial=[Scope.READ], widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label="Good for", choices=_LIFETIMES, coerce=int, initial=90)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_tokens(request: HttpRequest) -> HttpResponse:
    """The account's tokens, and a form for a new one, shown once; making it asks for fresh proof of who you are."""
    form = NewToken(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form)
    require_recent(request)
    try:
        token, text = tokens.create(user=_user(request), **form.cleaned_data)
    except TokenNotMadeError as error:
        form.add_error("name", str(error))
        return _page(request, form)
    # In the answer itself, kept nowhere: loading it again finds the name taken, and makes no second token.
    return _page(request, NewToken(), made=token, text=text)


@never_cache
@login_required
@require_POST
def revoke_own(request: HttpRequest, pk: int) -> HttpResponse:
    """Revokes one of the account's tokens at once; that needs no proof, so that it is never put off."""
    token = get_object_or_404(ApiToken, pk=pk, user=_user(request))
    tokens.revoke(token)
    messages.success(request, f"{token.name} was revoked. Whatever used it is refused from now on.")
    return redirect("account_tokens")


def _page(request: HttpRequest, form: NewToken, **more: Any) -> HttpResponse:
    rows = list(_user(request).api_tokens.all())
    context = {"form": form, "tokens": rows, "today": timezone.now().date(), "most": tokens.MOST_TOKENS, **more}
    return render(request, "account/tokens.html", context, status=422 if form.errors else 200)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - behind login_required
    return request.user
