"""A process of the node that SIGKILL ends at one step: `python -m tests.faults.die_at STEP sign|publish`."""

import os
import signal
import sys
from pathlib import Path

import django

django.setup()

from incidents import checkpoints, guard, keyring, sequencing  # noqa: E402 - the apps come first
from incidents.log_models import Checkpoint  # noqa: E402
from incidents.publishing import publish  # noqa: E402
from tests import factories  # noqa: E402


def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner, name):
    """Dies once the real thing is done."""
    real = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: (real(*args, **kwargs), die()))


STEPS = {
    "before the guard": lambda: setattr(guard, "remember", die),
    "in the middle of the guard": lambda: setattr(Path, "replace", die),
    "before the world can read it": lambda: setattr(Checkpoint.objects, "get_or_create", die),
    "after the world can read it": lambda: after(Checkpoint.objects, "get_or_create"),
    "with keys in files": lambda: after(keyring, "make"),
    "before the commit": lambda: after(sequencing, "wake"),
}


if __name__ == "__main__":
    step, work = sys.argv[1:]
    STEPS[step]()
    if work == "sign":
        checkpoints.sign_due()
    else:
        publish(factories.record(id="FL-2026-KKKKKKKK"))
