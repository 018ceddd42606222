"""What we say to allauth where its own answer does not fit."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import truncate_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts import second_factor
from accounts.models import User
from lib.seal import seal, unseal


class AccountAdapter(DefaultAccountAdapter):
    """Logins and sign-ups."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """As `FAULTLINE_SIGNUP` says."""
        return bool(settings.SIGNUP)

    def get_client_ip(self, request: HttpRequest) -> str:
        """What limits are keyed by: an HMAC of the address (an IPv6 network for its hosts), so that none is stored."""
        return salted_hmac("accounts.address", truncate_ip(super().get_client_ip(request))).hexdigest()

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Roles work in the console; others have their account alone."""
        user = request.user
        has_role = isinstance(user, User) and (user.is_superuser or bool(user.role))
        return reverse("admin:index" if has_role else "mfa_index")

    def is_reauthentication_required(self, **_kwargs: Any) -> bool:
        """A login just now is proof enough; allauth alone would ask for the password again."""
        return not second_factor.proved_recently(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor alone where the account has one: a password can be read over a shoulder."""
        methods = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        return stronger or methods


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets sealed at rest, the last one kept."""

    def encrypt(self, text: str) -> str:
        """Sealed with the node's key, as contact details are."""
        return seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What was sealed; raises UnreadableSealError."""
        return unseal(encrypted_text.encode())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last factor of an account that needs one."""
        return not second_factor.is_last(authenticator)
