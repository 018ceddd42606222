"""A process of the node that SIGKILL ends at one step: `python -m tests.faults.die_at STEP sign|publish|follow`."""

import os
import signal
import sys
from pathlib import Path

import django

django.setup()

from federation import applying  # noqa: E402 - the apps come first
from federation.models import Peer  # noqa: E402
from incidents import checkpoints, guard, keyring, sequencing, showing  # noqa: E402
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
    "when all is written": lambda: after(showing, "tell"),
    "when it is committed": lambda: setattr(Peer, "refresh_from_db", die),
}


if __name__ == "__main__":
    step, work = sys.argv[1:]
    STEPS[step]()
    if work == "sign":
        checkpoints.sign_due()
    elif work == "follow":
        applying.apply_next(Peer.objects.get())
    else:
        publish(factories.record(id="FL-2026-KKKKKKKK"))
