"""The console: Django's admin site, for accounts with a role that signed in with what the role needs."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache

from accounts import second_factor
from accounts.models import User


class Console(AdminSite):
    """The moderation console."""

    site_header = "Faultline console"
    site_title = "Faultline console"
    index_title = "What needs doing"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor has a role here, and signed in with the second factor it needs."""
        return _has_role(request) and second_factor.is_satisfied(request)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """To the account pages, for whatever is missing: a login, a second factor, or the proof of it."""
        wanted = _wanted(request)
        if not request.user.is_authenticated:
            return redirect_to_login(wanted)
        if not _has_role(request):
            raise PermissionDenied
        if second_factor.is_satisfied(request):
            return redirect(wanted)
        if isinstance(request.user, User) and second_factor.is_enrolled(request.user):
            return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: wanted})}")
        messages.info(request, "Set up a second factor: an authenticator app or a security key opens the console.")
        return redirect("mfa_index")


def _has_role(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.is_active and (user.is_superuser or bool(user.role))


def _wanted(request: HttpRequest) -> str:
    """The page of ours that the visitor asked for, else the console's first."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("admin:index")
