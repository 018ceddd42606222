"""How much somebody may take in a time: the generic cell rate algorithm (GCRA; ITU-T I.371, annex A), in Redis.

A budget of `quota` units in `seconds` may be spent at once, and comes back evenly. One number a key says when it will
be whole again; a script of Redis' own reads and writes it, so that a call costs one round trip and nobody races.
Whoever is counted is known only by an HMAC under a salt that lives a day, in Redis and in the memory of processes:
without it the keys name nobody, and tomorrow nobody can link them. Without Redis nothing is limited.

Whoever comes again and again within a second has some units taken ahead (`take_ahead`), which the process then hands
out by itself: so a process may hold up to a hundredth of a quota for somebody, and never lets more than the quota pass.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TypeVar

import redis
import structlog
from django.utils import timezone

from lib.store import key, store

log = structlog.get_logger()

_SALT_SECONDS = 25 * 3600
# How long a process trusts the salt it knows, before it asks Redis again.
_TRUST_SECONDS = 60.0
# After a failure nobody waits for Redis again for so many seconds.
_GIVE_UP_SECONDS = 5.0
_given_up_until = 0.0
# Units of a quota that are taken ahead at most, as one in so many, and how long they are handed out.
_AHEAD_OF, _AHEAD_SECONDS = 100, 1.0
_MOST_HELD = 1000
_known_salt = ("", "", 0.0)


@dataclass(frozen=True)
class Limit:
    """So many units in so many seconds."""

    quota: int
    seconds: int


@dataclass(frozen=True)
class Budget:
    """The limit that holds for one key of Redis."""

    name: str
    limit: Limit


@dataclass(frozen=True)
class Standing:
    """After a call: seconds to wait (0 for go), units left, and seconds until all are there again.

    Of several budgets, that of the one with the least left.
    """

    wait: float
    left: int
    whole_in: float


@dataclass
class _Held:
    """Units of one budget that this process has taken, how many it took, and how the budget stood then."""

    units: int
    taken: int
    standing: Standing
    until: float


_held: dict[str, _Held] = {}
_holding = Lock()

# KEYS: budgets. ARGV: cost, then quota and milliseconds for each. Takes from all or, if one has too little, from none;
# a cost beyond a whole budget takes all of it. All time is Redis' own. Returns milliseconds to wait, and for the
# budget with the least left the units and the milliseconds until it is whole.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local wait, left, whole, after = 0, nil, 0, {}
for i, name in ipairs(KEYS) do
    local quota, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local full = math.max(tonumber(redis.call('GET', name) or '0'), now)
    after[i] = quota > 0 and full + math.min(tonumber(ARGV[1]), quota) * window / quota or math.huge
    wait = math.max(wait, math.min(after[i] - window - now, window))
end
for i, name in ipairs(KEYS) do
    local quota, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local full = math.max(tonumber(redis.call('GET', name) or '0'), now)
    if wait <= 0 and after[i] > now then
        full = after[i]
        redis.call('SET', name, string.format('%.3f', full), 'PX', math.ceil(full - now))
    end
    local units = math.max(math.floor((window - (full - now)) * quota / window + 0.001), 0)
    if not left or units < left then left, whole = units, full - now end
end
return {math.ceil(math.max(wait, 0)), left, math.ceil(whole)}
"""
# The same KEYS and ARGV.
_GIVE_BACK = """
for i, name in ipairs(KEYS) do
    local quota, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local full = tonumber(redis.call('GET', name) or '0')
    if full > 0 and quota > 0 then
        redis.call('SET', name, string.format('%.3f', full - tonumber(ARGV[1]) * window / quota), 'KEEPTTL')
    end
end
return 0
"""
Value = TypeVar("Value")


def take(budgets: Sequence[Budget], cost: int = 1) -> Standing | None:
    """Takes `cost` units from every budget, or from none; None while Redis is away: go, and nothing is known."""
    found = asked(lambda: _run(_TAKE, budgets, cost), None)
    return Standing(found[0] / 1000, int(found[1]), found[2] / 1000) if found else None


def take_ahead(budget: Budget, cost: int = 1) -> Standing | None:
    """As `take` of one budget, from what this process has taken ahead; twice as much each time that is used up."""
    now = monotonic()
    with _holding:
        held = _held.get(budget.name)
        if held and now < held.until and held.units >= cost:
            held.units -= cost
            return Standing(0.0, held.standing.left + held.units, held.standing.whole_in)
        _held.pop(budget.name, None)
    unspent = held.units if held else 0
    # Somebody who was gone for longer begins with what the call costs.
    more = min(2 * held.taken, budget.limit.quota // _AHEAD_OF) if held and now < held.until else 0
    units = max(cost + more - unspent, 0)
    standing = take([budget], units)
    if standing and standing.wait and units > cost:
        units, standing = cost, take([budget], cost)
    if standing is None:
        return None
    left = unspent if standing.wait else unspent + units - cost
    with _holding:
        if len(_held) >= _MOST_HELD:
            _held.clear()
        other = _held.get(budget.name)  # another thread's, who asked at the same time
        left += other.units if other else 0
        _held[budget.name] = _Held(left, max(more, 1), standing, now + _AHEAD_SECONDS)
    return standing if standing.wait else Standing(0.0, standing.left + left, standing.whole_in)


def forget() -> None:
    """Lets go of all this process knows of Redis: what was taken ahead, the salt, that nobody answered."""
    global _known_salt, _given_up_until
    with _holding:
        _held.clear()
    _known_salt, _given_up_until = ("", "", 0.0), 0.0


def give_back(budgets: Sequence[Budget], cost: int = 1) -> None:
    """Returns units that turned out not to count."""
    asked(lambda: _run(_GIVE_BACK, budgets, cost), None)


def used(budget: Budget) -> int:
    """How many units of a budget are spent at present."""
    standing = take([budget], 0)
    return budget.limit.quota - standing.left if standing else 0


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


def pseudonym(who: str) -> str:
    """Somebody for today: nobody can tell who it is without the salt, nor find them again tomorrow."""
    salt = asked(_salt, "")
    return hmac.digest(salt.encode(), who.encode(), "sha256").hex()[:32] if salt else "nobody"


def _run(script: str, budgets: Sequence[Budget], cost: int) -> list[int]:
    windows = [part for budget in budgets for part in (budget.limit.quota, budget.limit.seconds * 1000)]
    answer: list[int] = _script(script)(keys=[budget.name for budget in budgets], args=[cost, *windows])
    return answer


def _script(text: str) -> Callable[..., list[int]]:
    """The script by its digest, which Redis is sent once (EVALSHA)."""
    script: Callable[..., list[int]] = store().register_script(text)
    return script


def _salt() -> str:
    global _known_salt  # noqa: PLW0603 - one Redis for the process
    day = timezone.now().date().isoformat()
    known, salt, until = _known_salt
    if known == day and monotonic() < until:
        return salt
    name = key("limit", "salt", day)
    store().set(name, secrets.token_hex(32), nx=True, ex=_SALT_SECONDS)
    salt = str(store().get(name))
    _known_salt = (day, salt, monotonic() + _TRUST_SECONDS)
    return salt
