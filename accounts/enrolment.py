"""Setting up a second factor: allauth's pages, with two rules of ours.

Who has just proved to hold a factor by setting it up need not prove it again at once, and the last factor stays.
"""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import second_factor


def _note_proof(request: HttpRequest, kind: Authenticator.Type) -> None:
    record_authentication(request, request.user, "mfa", type=kind)


class SetUpApp(ActivateTOTPView):
    """An authenticator app (TOTP, RFC 6238): the code it showed was right."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Kept, and counted as proof."""
        answer: HttpResponse = super().form_valid(form)
        _note_proof(self.request, Authenticator.Type.TOTP)
        return answer


class AddKey(AddWebAuthnView):
    """A security key (Web Authentication, W3C): its attestation was right."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Kept, and counted as proof."""
        answer: HttpResponse = super().form_valid(form)
        _note_proof(self.request, Authenticator.Type.WEBAUTHN)
        return answer


class RemoveKey(RemoveWebAuthnView):
    """A security key given up."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Refused for the last factor of an account that needs one."""
        if second_factor.is_last(self.get_object()):
            messages.error(self.request, "This is your only second factor. Add another one first.")
            return redirect("mfa_list_webauthn")
        answer: HttpResponse = super().form_valid(form)
        return answer
