"""Changing the node's keys: each change is an entry of the log, signed by the key that ends and the one that begins."""

import json

from django.db import transaction
from django.utils import timezone

from incidents import guard, keyring, publishing, sequencing, tree
from incidents.guard import LogRefusesError
from incidents.keys import KeySet, Purpose
from incidents.leaves import KEYS, LeafOp, salted
from incidents.log_models import LogEntry
from incidents.publishing import ErasureReason, instant
from lib import jws


@transaction.atomic
def generate() -> KeySet:
    """Begins the log with its keys. Raises LogRefusesError where it has begun."""
    tree.lock()
    if sequencing.current_keys():
        raise LogRefusesError("the log has its keys; to change one, rotate it")
    return sequencing.begin(at=instant(timezone.now()))


def ensure() -> None:
    """Begins the log with its keys where it has not begun."""
    if sequencing.current_keys() is None:
        generate()


def rotate(purpose: Purpose) -> LogEntry:
    """Puts a new key in the place of the one in force, from the new entry on."""
    return _replace(purpose, None)


@transaction.atomic
def revoke(purpose: Purpose, from_index: int) -> LogEntry:
    """As `rotate`, and what the old key signed from entry `from_index` on counts no more: others may have had it.

    Records that it signed count again once they are corrected (`void_records`); erasures are signed again here.
    """
    entry = _replace(purpose, from_index)
    if purpose is Purpose.RECORD:
        for erased in LogEntry.objects.filter(op=LeafOp.ERASE, index__gte=from_index).select_related("object"):
            if not LogEntry.objects.filter(subject=erased.subject, revision__gt=erased.revision).exists():
                payload, _ = jws.read(bytes(erased.object.body or b""))
                reason = ErasureReason(json.loads(payload)["erasure"]["reason"])
                publishing.erase(erased.subject, reason=reason, again=True)
    return entry


def void_records(from_index: int) -> list[str]:
    """The ids of the records that were signed since, erased ones aside."""
    since = LogEntry.objects.filter(index__gte=from_index).exclude(subject=KEYS)
    erased = LogEntry.objects.filter(op=LeafOp.ERASE).values("subject")
    return list(since.exclude(subject__in=erased).order_by("subject").values_list("subject", flat=True).distinct())


@transaction.atomic
def _replace(purpose: Purpose, from_index: int | None) -> LogEntry:
    tree.lock()
    keys, at = sequencing.current_keys(), tree.size()
    if keys is None:
        raise LogRefusesError("the log has no keys yet: the first publication makes them, or `generate`")
    old = keys.in_force(purpose)
    if from_index is not None and not old.start <= from_index <= at:
        raise LogRefusesError(
            f"the {purpose} key in force counts from entry {old.start} on, and {at} is the next entry"
        )
    ending = keyring.require(old)
    with guard.alone():
        beginning = keyring.make(purpose)
    after = keys.replaced(purpose, jws.public_bytes(beginning), at=at, from_index=from_index)
    revision = LogEntry.objects.filter(subject=KEYS).count() + 1
    payload = salted("keys", after.document())
    return sequencing.append_signed(
        LeafOp.KEY, KEYS, revision, payload, [ending, beginning], at=instant(timezone.now())
    )
