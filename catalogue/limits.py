"""How often a hub may be asked, and whether it is worth asking: a bucket for each hub and credential, a circuit a hub.

Both live in Redis, shared by all workers. A worker never sleeps on a limit: it is told how long to wait, and the row
becomes due later. The bucket is a fixed window that the hub's own RateLimit headers correct
(draft-ietf-httpapi-ratelimit-headers). The circuit opens after `FAILURES_TO_OPEN` failures in a row and lets one
question through when its time is over (M. Nygard, "Release It!", circuit breaker).
"""

import hashlib
import random
from dataclasses import dataclass

import redis
from django.conf import settings

from catalogue.endpoints import token
from catalogue.hub import Answer, Outcome, hubs
from lib.store import key, store

FAILURES_TO_OPEN = 5
FIRST_OPEN_SECONDS: float = settings.HUB_CIRCUIT_SECONDS
LONGEST_OPEN_SECONDS = 900.0
WITHOUT_STORE_SECONDS = 30.0

# KEYS: bucket, circuit. ARGV: calls, window seconds. All time is Redis' own: workers' clocks do not matter.
# Returns the milliseconds to wait, 0 for go.
_PERMIT = """
local now = redis.call('TIME'); now = now[1] * 1000 + math.floor(now[2] / 1000)
local opened = tonumber(redis.call('HGET', KEYS[2], 'until') or '0')
if opened > now then return opened - now end
local bucket = redis.call('HMGET', KEYS[1], 'left', 'reset')
local left, reset = tonumber(bucket[1] or '-1'), tonumber(bucket[2] or '0')
if reset <= now then
    left, reset = tonumber(ARGV[1]), now + tonumber(ARGV[2]) * 1000
    redis.call('HDEL', KEYS[1], 'told')
end
if left <= 0 then return reset - now end
redis.call('HSET', KEYS[1], 'left', left - 1, 'reset', reset)
redis.call('PEXPIREAT', KEYS[1], reset + 60000)
if opened > 0 then redis.call('HSET', KEYS[2], 'until', now + tonumber(ARGV[3]) * 1000) end
return 0
"""
# KEYS: bucket. ARGV: calls left, seconds to the reset. The first count of a window is believed, even if it is higher
# than what we assumed; later ones only ever lower it, for answers overtake each other.
_LEARN = """
local now = redis.call('TIME'); now = now[1] * 1000 + math.floor(now[2] / 1000)
local bucket = redis.call('HMGET', KEYS[1], 'left', 'reset', 'told')
local left, reset = tonumber(bucket[1] or '-1'), tonumber(bucket[2] or '0')
local told, at = tonumber(ARGV[1]), now + math.floor(tonumber(ARGV[2]) * 1000)
if bucket[3] and reset > now and left >= 0 and left < told then told = left end
redis.call('HSET', KEYS[1], 'left', told, 'reset', at, 'told', 1)
redis.call('PEXPIREAT', KEYS[1], at + 60000)
return 0
"""
# KEYS: circuit. ARGV: failures to open, first seconds, longest seconds.
_FAILED = """
local now = redis.call('TIME'); now = now[1] * 1000 + math.floor(now[2] / 1000)
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local beyond = failures - tonumber(ARGV[1])
if beyond >= 0 then
    local open = math.min(tonumber(ARGV[2]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[3]))
    redis.call('HSET', KEYS[1], 'until', math.floor(now + open * 1000))
end
return failures
"""


@dataclass(frozen=True)
class HubState:
    """What the workers know of a hub: calls left in the window, failures in a row, seconds the circuit stays open."""

    calls_left: int | None
    failures: int
    open_seconds: float


def wait_before_asking(slug: str) -> float:
    """Seconds until the hub may be asked; 0 takes one call from the budget. Without Redis nothing is asked."""
    quota = hubs()[slug].quota
    try:
        waiting = store().eval(
            _PERMIT, 2, _bucket(slug), _circuit(slug), quota.calls, quota.seconds, FIRST_OPEN_SECONDS
        )
    except redis.RedisError:
        return WITHOUT_STORE_SECONDS
    # Jitter: whoever waits for the same reset does not come back in one step.
    return int(waiting) / 1000 * random.uniform(1.0, 1.1) if waiting else 0.0  # noqa: S311


def learn(slug: str, answer: Answer) -> None:
    """Takes from an answer what the hub said of its limits, and whether it is well."""
    try:
        if answer.quota:
            store().eval(_LEARN, 1, _bucket(slug), answer.quota.calls, answer.quota.seconds)
        elif answer.outcome is Outcome.RATE_LIMITED:
            store().eval(_LEARN, 1, _bucket(slug), 0, answer.retry_after or hubs()[slug].quota.seconds)
        if answer.outcome in {Outcome.TRANSIENT, Outcome.MALFORMED}:
            opening = (FAILURES_TO_OPEN, FIRST_OPEN_SECONDS, LONGEST_OPEN_SECONDS)
            store().eval(_FAILED, 1, _circuit(slug), *opening)
        else:
            store().delete(_circuit(slug))
    except redis.RedisError:
        return  # nothing is asked without Redis, so there is nothing to protect


def state(slug: str) -> HubState | None:
    """What the workers know of a hub; None while Redis does not answer."""
    try:
        left = store().hget(_bucket(slug), "left")
        failures, until = store().hmget(_circuit(slug), ["failures", "until"])
        seconds, micros = store().time()
    except redis.RedisError:
        return None
    remaining = float(until or 0) / 1000 - (seconds + micros / 1e6)
    return HubState(int(left) if left is not None else None, int(failures or 0), max(remaining, 0.0))


def close_circuit(slug: str) -> None:
    """Lets the hub be asked again at once: what an operator's button does. Raises redis.RedisError."""
    store().delete(_circuit(slug))


def _bucket(slug: str) -> str:
    credential = hashlib.sha256(token(slug).encode()).hexdigest()[:12] if token(slug) else "anonymous"
    return key("bucket", slug, credential)


def _circuit(slug: str) -> str:
    return key("circuit", slug)
