"""Following a report by its receipt."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from reports import notices
from website.private import private


class ReceiptForm(forms.Form):
    """A receipt code."""

    receipt = forms.CharField(
        label="Receipt code",
        error_messages={"required": "Enter the receipt code."},
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """A report's state, for whoever posts its receipt."""
    form = ReceiptForm(request.POST or None)
    notice = None
    if request.method == "POST" and form.is_valid():
        notice = notices.status_for(form.cleaned_data["receipt"])
        if notice is None:
            form.add_error("receipt", "No report has this receipt. Check it for mistyped characters.")
    context = {"form": form, "notice": notice}
    return private(render(request, "website/status.html", context, status=404 if form.errors else 200))
