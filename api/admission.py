"""Who calls the API, and whether they have enough of their budget left: for every view, and for whoever has none.

Nobody needs a token. One with the scope `read` has a budget of its own; everybody else shares that of their network
(`lib.network`), known only by a pseudonym of the day (`lib.limits`). Headers as draft-ietf-httpapi-ratelimit-headers-10
has them. Without Redis everybody is let in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import tokens
from accounts.models import ApiToken, Scope, User
from accounts.tokens import TokenRefusedError
from api.errors import Problem, response_to
from lib import limits
from lib.limits import Budget, Limit, Standing
from lib.network import network_of
from lib.store import key

REALM = 'Bearer realm="faultline"'
LONGEST_ADDRESS = 8000
# For a unit of its budget a caller has so many questions of a check answered.
QUESTIONS_A_UNIT = 50
# In the environment of a request whose cost was taken already: the headers.
_PAID = "faultline.paid"


@dataclass(frozen=True)
class Caller:
    """Who calls: a token, or a network alone."""

    token: ApiToken | None
    network: str

    def may(self, scope: Scope) -> bool:
        """Whether there is a token with this scope."""
        return self.token is not None and scope in self.token.scopes


def caller_of(meta: Mapping[str, Any]) -> Caller:
    """Who sent a request, by its WSGI environment. Raises Problem, a 401, for a token that opens nothing."""
    network = network_of(meta, proxies=settings.PROXIES)
    header = str(meta.get("HTTP_AUTHORIZATION") or "").strip()
    if not header:
        return Caller(None, network)
    scheme, _, text = header.partition(" ")
    try:
        # What comes under another scheme is no token, whatever it is.
        return Caller(tokens.recognise(text.strip() if scheme.lower() == "bearer" else ""), network)
    except TokenRefusedError as error:
        charge(Caller(None, network), 1)
        challenge = f'{REALM}, error="invalid_token", error_description="{error}"'
        raise Problem(error.kind, str(error), status=401, headers={"WWW-Authenticate": challenge}) from error


def charge(caller: Caller, units: int) -> dict[str, str]:
    """Takes units from the caller's budget; the headers that say how it stands. Raises Problem, a 429.

    At most one round trip to Redis, and none for most calls of somebody who calls often.
    """
    policy, limit, who = _budget_of(caller)
    if limit is None:
        return {}
    standing = limits.take_ahead(Budget(key("limit", "api", who), limit), units)
    if standing is None:
        return {}
    headers = _headers(policy, limit, standing)
    if standing.wait:
        headers |= {"Retry-After": str(max(ceil(standing.wait), 1))}
        raise Problem("throttled", f"The budget of this {policy} is used up.", status=429, headers=headers)
    return headers


def admit(request: Any, cost: int) -> None:
    """Lets a request in that comes past Django REST framework. Raises Problem."""
    request.api_caller = caller_of(request.META)
    paid = request.META.get(_PAID)
    request.rate_limit = charge(request.api_caller, cost) if paid is None else paid


def admit_plain(environ: dict[str, Any], cost: int) -> dict[str, str]:
    """Lets a request without a token in that has no form yet; the headers. Raises Problem.

    Whoever answers it in the end does not charge for it again.
    """
    environ[_PAID] = charge(Caller(None, network_of(environ, proxies=settings.PROXIES)), cost)
    return dict(environ[_PAID])


def charge_more(request: Request, units: int) -> None:
    """Takes what a request turned out to cost beyond its view's `cost`. Raises Problem, a 429."""
    if units:
        _noted(request).update(charge(_inner(request).api_caller, units))


def account_of(request: Request) -> User | None:
    """The account that a report is sent in the name of; None where it comes without a token. Raises Problem, a 403."""
    caller: Caller = _inner(request).api_caller
    if caller.token is None:
        return None
    if not caller.may(Scope.REPORT):
        challenge = f'{REALM}, error="insufficient_scope", scope="{Scope.REPORT}"'
        detail = f"This token lacks the scope {Scope.REPORT}."
        raise Problem("insufficient-scope", detail, status=403, headers={"WWW-Authenticate": challenge})
    return caller.token.user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer fl_...` (RFC 6750), where there is one."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's account and the token; None without one. Raises Problem."""
        caller = caller_of(request.META)
        _inner(request).api_caller = caller
        return (caller.token.user, caller.token) if caller.token else None

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return REALM


class Throttle(BaseThrottle):
    """Takes the view's `cost` (1 where it says none) from the caller's budget."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True, or raises Problem."""
        _noted(request).update(charge(_inner(request).api_caller, getattr(view, "cost", 1)))
        return True


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuses addresses that are too long, and adds what `charge` noted to the answer."""

    def admit(request: HttpRequest) -> HttpResponse:
        if len(request.META.get("QUERY_STRING", "")) + len(request.path) > LONGEST_ADDRESS:
            return too_long()
        response = get_response(request)
        for name, value in getattr(request, "rate_limit", {}).items():
            response.headers.setdefault(name, value)
        caller: Caller | None = getattr(request, "api_caller", None)
        if caller and caller.token:
            # How a token stands is its owner's alone; without one, answers are the same for everybody.
            if "no-store" not in response.get("Cache-Control", ""):
                patch_cache_control(response, private=True)
            patch_vary_headers(response, ["Authorization"])
        return response

    return admit


def too_long() -> HttpResponse:
    """A 414."""
    problem = Problem("uri-too-long", f"Path and query have more than {LONGEST_ADDRESS} characters.", status=414)
    response = response_to(problem)
    assert response is not None  # noqa: S101 - every Problem has one
    return response


def _budget_of(caller: Caller) -> tuple[str, Limit | None, str]:
    """The policy's name, its limit, and whose budget it is."""
    if caller.token and Scope.READ in caller.token.scopes:
        return "token", _limit(settings.API_LIMIT_TOKEN), f"token:{caller.token.prefix}"
    limit = _limit(settings.API_LIMIT_ADDRESS)
    return "address", limit, limits.pseudonym(caller.network) if limit else ""


def _limit(setting: tuple[int, int] | None) -> Limit | None:
    return Limit(*setting) if setting else None


def _headers(policy: str, limit: Limit, standing: Standing) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{policy}";q={limit.quota};w={limit.seconds}',
        "RateLimit": f'"{policy}";r={standing.left};t={ceil(standing.whole_in)}',
    }


def _noted(request: Request) -> dict[str, str]:
    """What the middleware adds to the answer."""
    inner = _inner(request)
    if not hasattr(inner, "rate_limit"):
        inner.rate_limit = {}
    noted: dict[str, str] = inner.rate_limit
    return noted


def _inner(request: Request) -> Any:
    """The request that the framework's one wraps, which the middleware sees."""
    return request._request  # noqa: SLF001 - it has no other name
