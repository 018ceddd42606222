"""The standing job: ask a hub when due and allowed, keep what is new, or wait."""

import random
from datetime import timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalogue import limits, snapshots, traits
from catalogue.hub import Answer, Outcome, Reference, hubs
from catalogue.models import Alias, Lookup, Model
from lib.due import lease_next
from lib.wake import wake

log = structlog.get_logger()

# Well under the time limit of a task, which is well under the queue's visibility time-out.
MOST_SECONDS = 120.0
# A model nobody published anything on is asked about this much more rarely, and a pinned commit hardly ever.
UNWATCHED_FACTOR, PINNED_FACTOR = 7, 30
# Asked sooner after a change, later after none: down to this part of the longest interval.
SHORTEST_PART = 1 / 8

# The hub answered, and the answer will not be another one in a minute.
_CONCLUSIVE = frozenset(
    {
        Outcome.OK,
        Outcome.RENAMED,
        Outcome.GATED,
        Outcome.DISABLED,
        Outcome.MOVED_TO_OTHER_MODEL,
        Outcome.NOT_FOUND_OR_PRIVATE,
        Outcome.REVISION_NOT_FOUND,
    }
)


def look_up_due() -> int:
    """Works through what is due; how many questions were asked. Safe to run in any number of workers at once.

    A hub that may not be asked now is left out for the rest of the run; its rows become due when it may. The run stops
    after `MOST_SECONDS` and wakes another, so that no task runs into its time limit.
    """
    asked, started = 0, monotonic()
    closed: set[str] = set()
    while lease := lease_next(Lookup.objects.exclude(alias__hub__in=closed)):
        alias = Alias.objects.get(pk=lease.alias_id)
        if wait := limits.wait_before_asking(alias.hub):
            closed.add(alias.hub)
            lease.put_back(seconds=wait)
            continue
        _look_up(lease, alias)
        asked += 1
        if monotonic() - started > MOST_SECONDS:
            wake("lookups left over")
            break
    return asked


def make_due(alias: Alias) -> None:
    """The alias's default branch is asked about at once, unless it is parked."""
    Lookup.objects.filter(alias=alias, revision="", parked_at=None).update(due_at=timezone.now())
    wake("model named")


def _look_up(lease: Lookup, alias: Alias) -> None:
    """Asks the hub about one leased lookup, and ends the lease whatever happens."""
    try:
        answer = hubs()[alias.hub].ask(Reference(alias.hub, alias.name, lease.revision))
        limits.learn(alias.hub, answer)
        _conclude(lease, alias, answer)
        if answer.facts and not lease.revision:
            traits.note(Model.objects.get(aliases=alias))
    except Exception as error:
        lease.fail(f"{type(error).__name__}: {error}")
        log.exception("lookup failed", hub=alias.hub, lookup=lease.pk)


@transaction.atomic
def _conclude(lease: Lookup, alias: Alias, answer: Answer) -> None:
    now = timezone.now()
    kept = snapshots.keep(alias, lease.revision, answer)
    if kept.outcome in _CONCLUSIVE:
        model = Model.objects.get(aliases=alias)
        presence = snapshots.note_presence(lease, model, kept.outcome)
        hours = _hours_until_next(lease, watched=model.watched, changed=kept.changed)
        next_due = now + timedelta(hours=hours * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load
        held = lease.done(
            next_due=next_due,
            outcome=kept.outcome,
            answer=kept.outcome,
            answered_at=now,
            interval_hours=hours,
            **presence,
        )
    else:
        held = lease.postpone(answer.detail or kept.outcome, at_least=answer.retry_after or 0, outcome=kept.outcome)
    if not held:
        # Another worker took over while we waited; what it finds is newer, so ours is forgotten.
        transaction.set_rollback(True)
    log.info("looked up", hub=alias.hub, lookup=lease.pk, outcome=str(kept.outcome), kept=held)


def _hours_until_next(lease: Lookup, *, watched: bool, changed: bool) -> float:
    """Half the last interval after a change, half as long again after none, within the model's bounds."""
    longest = settings.LOOKUP_REFRESH_HOURS * (1 if watched else UNWATCHED_FACTOR)
    if hubs()[lease.alias.hub].is_immutable(lease.revision):
        longest *= PINNED_FACTOR
    last = lease.interval_hours or longest
    return float(max(min(last / 2 if changed else last * 1.5, longest), longest * SHORTEST_PART))
