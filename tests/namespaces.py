"""Hosts of our own on one machine: network namespaces of Linux, joined by cables, where the machine allows them.

A socket belongs to the namespace that its thread was in when it was made, so servers of this process can stand on
several hosts.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

_CLONE_NEWNET = 0x40000000
_NAMES = Path("/run/netns")


class Host:
    """One namespace, with nothing in it but its loopback."""

    def __init__(self, name: str) -> None:
        self.name = f"faultline-{os.getpid()}-{name}"
        self._ip("netns", "add", self.name)

    @property
    def command(self) -> list[str]:
        """What stands before a command that is to run there."""
        return ["nsenter", f"--net={_NAMES / self.name}"]

    def ip(self, *arguments: str) -> None:
        """What ip(8) is told there."""
        self._ip("-n", self.name, *arguments)

    def inside(self, act: Callable[[], Found]) -> Found:
        """What an act gives, in a thread that is there; whatever it opens stays there."""
        with ThreadPoolExecutor(1, initializer=self._enter) as thread:
            return thread.submit(act).result()

    def remove(self) -> None:
        """Takes it away, with its cables."""
        self._ip("netns", "delete", self.name)

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = os.open(_NAMES / self.name, os.O_RDONLY)
        try:
            if libc.setns(descriptor, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)

    @staticmethod
    def _ip(*arguments: str) -> None:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Hosts by these names, for as long as the block lasts."""
    with ExitStack() as stack:
        made = []
        for name in names:
            made.append(Host(name))
            stack.callback(made[-1].remove)
            made[-1].ip("link", "set", "lo", "up")
        yield made


def cable(one: Host, one_address: str, other: Host, other_address: str) -> None:
    """Joins two hosts, each of which knows the other's address and no more."""
    ends = (f"to-{other.name[-8:]}", f"to-{one.name[-8:]}")
    one.ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", other.name)
    for host, end, own, theirs in (
        (one, ends[0], one_address, other_address),
        (other, ends[1], other_address, one_address),
    ):
        host.ip("address", "add", own, "peer", theirs, "dev", end)
        host.ip("link", "set", end, "up")


def cut(host: Host, address: str) -> None:
    """Whatever leaves the host for that address is lost without a word, so that nothing from there is answered."""
    host.ip("rule", "add", "to", address, "blackhole")


def mend(host: Host, address: str) -> None:
    """As before it was cut."""
    host.ip("rule", "delete", "to", address, "blackhole")


@cache
def why_not() -> str:
    """Why this machine has no such hosts for us; "" where it has."""
    try:
        with hosts("x", "y") as (one, other):
            cable(one, "10.77.0.1", other, "10.77.0.2")
            cut(one, "10.77.0.2")
            one.inside(lambda: None)
    except OSError as error:
        return f"network namespaces need Linux, iproute2 and CAP_NET_ADMIN with CAP_SYS_ADMIN: {error}"
    return ""
