"""Being called of new records: asking for it, and the page by which its owner watches and ends it.

No cookie and no account: whoever has the link has the webhook. The secret is shown once, by the answer that made it.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from incidents.filters import BadFilterError
from reports import news, webhooks
from reports.abuse import limits
from reports.webhooks import RefusedWebhookError
from website import guard
from website.private import private
from website.public.answers import bad_request


class WebhookForm(forms.Form):
    """What to call."""

    url = forms.CharField(
        label=_("The address to call"),
        max_length=webhooks.MOST_ADDRESS,
        error_messages={"required": _("Write the address.")},
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
        help_text=_("Kept encrypted, and forgotten when you stop. It must answer a question first."),
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Asks what to call of records that match the filters in the address; the secret is in the answer, once."""
    try:
        query = news.one_spelling(dict(request.GET.lists()))
    except BadFilterError as error:
        return private(bad_request(request, str(error)))
    return private(_page(request, query))


def _page(request: HttpRequest, query: str) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "query": query, "described": news.described(query)}
    if form.is_bound and form.is_valid():
        if wait := limits.take(limits.SUBSCRIBE, guard.network(request)):
            return guard.too_many(request, wait)
        try:
            made = webhooks.ask(url=form.cleaned_data["url"], query=query)
        except RefusedWebhookError as error:
            form.add_error("url", str(error))
        else:
            return render(request, "website/webhook_made.html", context | {"made": made})
    return render(request, "website/webhook_ask.html", context, status=400 if form.errors else 200)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: HttpRequest, token: str) -> HttpResponse:
    """How the webhook does. A bare POST ends it, as a link to unsubscribe does; `action=again` tries at once."""
    if request.method == "POST" and request.POST.get("action") == "again":
        if wait := limits.take(limits.SUBSCRIBE, guard.network(request)):
            return private(guard.too_many(request, wait))
        webhooks.begin_again(token=token)
    elif request.method == "POST":
        webhooks.end(token=token)
        return private(render(request, "website/webhook.html", {"ended": True}))
    row = webhooks.by_token(token)
    if row is None:
        return private(render(request, "website/webhook.html", {"gone": True}, status=404))
    context = {
        "row": row,
        "host": webhooks.host_of(row),
        "described": news.described(row.query),
        "again": request.method == "POST",
        "days": webhooks.FORGOTTEN_AFTER.days,
    }
    return private(render(request, "website/webhook.html", context))
