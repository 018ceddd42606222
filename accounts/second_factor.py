"""Who signed in how: the second factor that every role needs, and fresh proof for what must not be done by a stray tab.

allauth keeps in the session which methods proved who somebody is, and when (`method`, `at` in epoch seconds, `type`).
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User

# Recovery codes stand in for a factor; they are none by themselves.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_needed(user: User) -> bool:
    """Whether this account must sign in with a second factor: every role, but for a demonstration."""
    return settings.SECOND_FACTOR_FORCED and (user.is_superuser or bool(user.role))


def is_enrolled(user: User) -> bool:
    """Whether the account has a factor to ask for."""
    return bool(Authenticator.objects.filter(user=user, type__in=_FACTORS).exists())


def is_last(authenticator: Authenticator) -> bool:
    """Whether the account would be without a factor that it needs."""
    others = Authenticator.objects.filter(user=authenticator.user, type__in=_FACTORS).exclude(pk=authenticator.pk)
    return isinstance(authenticator.user, User) and is_needed(authenticator.user) and not others.exists()


def is_satisfied(request: HttpRequest) -> bool:
    """Whether this session was opened with what the account needs, and is no older than a session may be."""
    user = request.user
    if not isinstance(user, User):
        return False
    return not is_needed(user) or _proved(request, user, {"mfa"}, settings.SESSION_COOKIE_AGE)


def proved_recently(request: HttpRequest) -> bool:
    """Whether who is here was proved within `ACCOUNT_REAUTHENTICATION_TIMEOUT`, by the factor if there is one."""
    user = request.user
    if not isinstance(user, User):
        return False
    methods = {"mfa"} if is_enrolled(user) else {"mfa", "password"}
    return _proved(request, user, methods, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def needs_fresh_factor(request: HttpRequest) -> bool:
    """Whether the account needs a factor (a demonstration's does not) that was last shown too long ago."""
    user = request.user
    return isinstance(user, User) and is_needed(user) and not proved_recently(request)


def require_recent(request: HttpRequest) -> None:
    """Without recent proof the account pages ask for it, then go on with the same request, also a POST.

    Raises allauth's ReauthenticationRequired, which its middleware turns into that redirect: ask who may first.
    """
    if not proved_recently(request):
        raise ReauthenticationRequired


def recently(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a view with `require_recent`, inside the console's own check: `admin_view(recently(view))`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        require_recent(request)
        return view(request, *args, **kwargs)

    return guarded


def _proved(request: HttpRequest, user: User, methods: set[str], seconds: float) -> bool:
    since = time.time() - seconds
    records = get_authentication_records(request, user)
    return any(record["method"] in methods and record["at"] > since for record in records)
