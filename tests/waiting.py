"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

# How long something takes says how busy the machine is, and nothing of the code. Less than a lease lasts: what moves
# only once a lease has run out must not pass for what goes on by itself.
PATIENCE = 100.0
# What is left after a fraction of a second has been left by then on any machine; the other side goes on for twice that.
IN_TIME = 15.0


def wait_for(condition: Callable[[], Found]) -> Found:
    """What the condition gives once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"nothing happened in {PATIENCE:.0f} seconds"
        time.sleep(0.05)
    return found
