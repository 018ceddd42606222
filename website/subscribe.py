"""Subscribing by mail to a model or a query, confirming it, and ending it: one of the pages that reach private rows.

No cookie: the form knows nobody, and nothing is sent but one question to the address itself.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from incidents.filters import BadFilterError
from reports import news, subscriptions
from reports.abuse import limits
from reports.subscriptions import RefusedSubscriptionError
from website import guard
from website.private import private
from website.public.answers import bad_request


class SubscribeForm(forms.Form):
    """Where to write, and how often."""

    address = forms.CharField(
        label=_("Your mail address"),
        max_length=254,
        error_messages={"required": _("Write your mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("Kept encrypted, used for nothing else, and forgotten when you stop."),
    )
    days = forms.TypedChoiceField(
        label=_("How often"), coerce=int, initial=1, choices=[(1, _("Once a day")), (7, _("Once a week"))]
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Asks where to write of records that match the filters in the address; whoever is there is then asked by mail."""
    try:
        query = news.one_spelling(dict(request.GET.lists()))
    except BadFilterError as error:
        return private(bad_request(request, str(error)))
    return private(_page(request, query))


def _page(request: HttpRequest, query: str) -> HttpResponse:
    form = SubscribeForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        "form": form,
        "query": query,
        "described": news.described(query),
        "list_query": f"?{query}" if query else "",
    }
    if form.is_bound and form.is_valid():
        if wait := limits.take(limits.SUBSCRIBE, guard.network(request)):
            return guard.too_many(request, wait)
        try:
            subscriptions.subscribe(query=query, language=str(get_language()), **form.cleaned_data)
        except RefusedSubscriptionError as error:
            form.add_error("address", str(error))
        else:
            return render(request, "website/subscribe_asked.html", context)
    return render(request, "website/subscribe.html", context, status=400 if form.errors else 200)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def subscription(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of a mail leads: confirm, or stop. A bare POST stops, as programs for mail do (RFC 8058)."""
    if request.method == "POST" and request.POST.get("action") != "confirm":
        subscriptions.end(token=token)
        return private(render(request, "website/subscription.html", {"ended": True}))
    confirmed = request.method == "POST" and subscriptions.confirm(token=token)
    found = subscriptions.by_token(token)
    if found is None:
        return private(render(request, "website/subscription.html", {"gone": True}, status=404))
    context = {"described": news.described(found.query), "row": found, "confirmed": confirmed}
    return private(render(request, "website/subscription.html", context))
