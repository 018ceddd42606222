"""How often the routes of reporting may be used: by a network, and by everybody together.

Counters in Redis with windows of a fixed length. A network is known only by an HMAC under a salt that lives a day, in
Redis alone: without it the keys name nobody, and tomorrow nobody can link them. Without Redis nothing is limited: a
report must be accepted and a receipt must open all the same (docs/decisions/0013).
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

import redis
import structlog
from django.utils import timezone

from lib.store import key, store

log = structlog.get_logger()


@dataclass(frozen=True)
class Limit:
    """So many calls in so many seconds."""

    calls: int
    seconds: int


@dataclass(frozen=True)
class Limits:
    """What one network may do, and what all may do together; None is no limit."""

    each: Limit | None = None
    everybody: Limit | None = None


# A network is up to 256 neighbours, or an exit of Tor.
DRAFT = "draft"
FILES = "files"
SUBMIT = "submit"
UNPROVEN = "submit without proof"
RECEIPT = "failed receipt"
MESSAGE = "message"
CHALLENGE = "challenge"
LIMITS = {
    DRAFT: Limits(each=Limit(60, 3600)),
    FILES: Limits(each=Limit(120, 3600)),
    SUBMIT: Limits(each=Limit(30, 3600)),
    UNPROVEN: Limits(each=Limit(10, 3600), everybody=Limit(300, 3600)),
    RECEIPT: Limits(each=Limit(20, 600), everybody=Limit(5000, 600)),
    MESSAGE: Limits(each=Limit(60, 3600)),
    CHALLENGE: Limits(each=Limit(120, 600)),
}
_SALT_SECONDS = 25 * 3600
# After a failure nobody waits for Redis again for so many seconds.
_GIVE_UP_SECONDS = 5.0
_given_up_until = 0.0

# KEYS: counters. ARGV: calls and milliseconds for each. Takes from all or, if one is used up, from none.
# Returns the milliseconds to wait, 0 for go.
_TAKE = """
for i, name in ipairs(KEYS) do
    if tonumber(redis.call('GET', name) or '0') >= tonumber(ARGV[2 * i - 1]) then
        return math.max(redis.call('PTTL', name), 1)
    end
end
for i, name in ipairs(KEYS) do
    if redis.call('INCR', name) == 1 then redis.call('PEXPIRE', name, ARGV[2 * i]) end
end
return 0
"""
_GIVE_BACK = """
for i, name in ipairs(KEYS) do
    if tonumber(redis.call('GET', name) or '0') > 0 then redis.call('DECR', name) end
end
return 0
"""
Value = TypeVar("Value")


def take(what: str, network: str) -> float:
    """Takes one call; seconds to wait if there is none left, 0 for go."""
    counters = _counters(what, network)
    windows = [part for _name, limit in counters for part in (limit.calls, limit.seconds * 1000)]
    names = [name for name, _limit in counters]
    return float(asked(lambda: store().eval(_TAKE, len(names), *names, *windows), 0)) / 1000


def give_back(what: str, network: str) -> None:
    """Returns a call that turned out not to count, for example the try of a receipt that fits."""
    names = [name for name, _limit in _counters(what, network)]
    asked(lambda: store().eval(_GIVE_BACK, len(names), *names), 0)


def used(what: str, network: str) -> int:
    """How many calls the network has used in its present window."""
    name = _counters(what, network)[0][0]
    return int(asked(lambda: store().get(name), None) or 0)


def asked(question: Callable[[], Value], otherwise: Value) -> Value:
    """What Redis answers; `otherwise` while it is away, without waiting for it each time."""
    global _given_up_until  # noqa: PLW0603 - one Redis for the process
    if monotonic() < _given_up_until:
        return otherwise
    try:
        return question()
    except redis.RedisError as error:
        _given_up_until = monotonic() + _GIVE_UP_SECONDS
        log.warning("limits are off while Redis is away", error=type(error).__name__)
        return otherwise


def _counters(what: str, network: str) -> list[tuple[str, Limit]]:
    limits = LIMITS[what]
    pairs = [(network, limits.each), ("", limits.everybody)]
    return [(key("limit", what, _pseudonym(who) if who else "all"), limit) for who, limit in pairs if limit]


def _pseudonym(network: str) -> str:
    """The network for today: nobody can tell which it is without the salt, nor find it again tomorrow."""
    salt = asked(_salt, "")
    return hmac.new(salt.encode(), network.encode(), hashlib.sha256).hexdigest()[:32] if salt else "nobody"


def _salt() -> str:
    name = key("limit", "salt", timezone.now().date().isoformat())
    store().set(name, secrets.token_hex(32), nx=True, ex=_SALT_SECONDS)
    return str(store().get(name))
