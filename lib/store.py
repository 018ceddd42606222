"""The Redis that processes share for what may be lost: limits and circuits, not work."""

from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@cache
def store() -> Any:  # redis-py types every answer as perhaps awaitable
    """A `redis.Redis` of the node's cache database; safe across threads and forks. Its calls raise redis.RedisError."""
    return redis.Redis.from_url(
        settings.CACHE_URL,
        socket_connect_timeout=1,
        socket_timeout=2,
        # Whoever asks here has something better to do than to wait for Redis.
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )


def key(*parts: str) -> str:
    """A key of this node's own, where several share a Redis."""
    return ":".join((settings.QUEUE, *parts))
