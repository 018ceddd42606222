"""The slower job beside the lookups: a closer look at each model that its hub has answered about.

A model is inspected when something new was kept of it, and once a week while it is watched. An inspection that is
interrupted begins again: nothing of it is kept but what was read of files before. What the last one found stays until
another has found something.
"""

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalogue import limits, scanning
from catalogue.hub import BaseModelClaim, Facts, HubFile, Inspectable, NotNowError, Outcome, hubs
from catalogue.models import Inspection, Lookup, Model, Snapshot
from lib.due import lease_next
from lib.wake import wake

log = structlog.get_logger()

REFRESH = timedelta(days=7)
# A run stops after this; with one inspection more that is well under the time limit of a task.
MOST_SECONDS = 120.0
MOST_SECONDS_EACH = 100.0
# Of a lease: whoever holds one must be through before it runs out.
_PART_OF_LEASE = 0.8
FIRST_RETRY_SECONDS, MOST_DOUBLINGS = 3600.0, 7
_NOT_KEPT = frozenset({"heard", "config", "chat_template"})


def make_due(model: Model) -> None:
    """Something new was kept of the model: it is inspected soon. Call it in that transaction."""
    if isinstance(hubs()[model.hub], Inspectable):
        Inspection.objects.bulk_create(
            [Inspection(model=model)], update_conflicts=True, unique_fields=["model"], update_fields=["due_at"]
        )


def inspect_due(then: Callable[[Model], None] = lambda _model: None) -> int:
    """Works through what is due; how many models were seen to. Safe to run in any number of workers at once.

    A hub that may not be asked now, or that cannot be inspected, is left out for the rest of the run. `then` is called
    with each model that was seen to.
    """
    inspected, started = 0, monotonic()
    hubs_left = {slug for slug, hub in hubs().items() if isinstance(hub, Inspectable)}
    while lease := lease_next(Inspection.objects.filter(model__hub__in=hubs_left)):
        model = Model.objects.get(pk=lease.model_id)
        if wait := _work_on(lease, model, then):
            hubs_left.discard(model.hub)
            lease.put_back(seconds=wait)
            continue
        inspected += 1
        if monotonic() - started > MOST_SECONDS:
            wake("model looked up")
            break
    return inspected


class _Budget:
    """Takes calls from a hub's budget; `wait` is in seconds, once there is none left."""

    def __init__(self, slug: str) -> None:
        self.wait = 0.0
        self._slug = slug

    def __call__(self) -> bool:
        """Whether one more call may be made; it then counts."""
        self.wait = limits.wait_before_asking(self._slug)
        return not self.wait


def _work_on(lease: Inspection, model: Model, then: Callable[[Model], None]) -> float:
    """Inspects one model and ends its lease; or does not, and says how many seconds its hub wants to be left alone."""
    budget = _Budget(model.hub)
    try:
        _inspect(lease, model, budget)
        then(model)
    except NotNowError as error:
        asked_to_wait = None
        if error.answer:
            limits.learn(model.hub, error.answer)
            asked_to_wait = error.answer.retry_after
        return budget.wait or asked_to_wait or hubs()[model.hub].quota.seconds
    except Exception as error:
        lease.fail(f"{type(error).__name__}: {error}")
        log.exception("inspection failed", hub=model.hub, inspection=lease.pk)
    return 0.0


def _inspect(lease: Inspection, model: Model, budget: _Budget) -> None:
    hub = hubs()[model.hub]
    began, started = timezone.now(), monotonic()
    snapshot, newest = model.latest, _newest(model)
    if snapshot is None or not isinstance(hub, Inspectable) or not _is_wanted(lease, model):
        lease.done(next_due=began + REFRESH)
        return
    facts = _facts(model, snapshot)
    details = hub.inspect(model.reference(_reported(model)), facts, budget)
    limits.learn(model.hub, details.heard)
    if details.heard.outcome is not Outcome.OK:
        lease.postpone("; ".join(details.missing), at_least=_retry_seconds(lease))
        return
    safety, missing = scanning.look_at_files(
        hub,
        model.reference(facts.revision),
        facts,
        details,
        former=lease.safety,
        may_ask=budget,
        seconds=_seconds_each() - (monotonic() - started),
    )
    document = {name: value for name, value in asdict(details).items() if name not in _NOT_KEPT}
    document["missing"] = (*details.missing, *missing)
    found = {"document": document, "safety": safety, "inspected_at": began, "revision": facts.revision}
    _keep(lease, newest, found)


def _is_wanted(lease: Inspection, model: Model) -> bool:
    """Whether there is anything to find out: a model nobody watches is looked at once for each thing it said."""
    last = lease.inspected_at
    is_unfinished = last is None or bool(lease.last_error)
    return is_unfinished or model.watched or model.snapshots.filter(taken_at__gte=last).exists()


def _keep(lease: Inspection, newest: int | None, found: dict[str, Any]) -> None:
    """Ends the lease with what was found; `newest` was the model's newest snapshot when the inspection began."""
    missing = found["document"]["missing"]
    with transaction.atomic():
        # Whoever keeps a snapshot holds this lock: what came while we asked is not forgotten.
        model = Model.objects.select_for_update().get(pk=lease.model_id)
        if _newest(model) != newest:
            held = lease.postpone("something new was kept meanwhile", **found)
        elif missing:
            held = lease.postpone("; ".join(missing), at_least=_retry_seconds(lease), **found)
        else:
            spread = random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
            held = lease.done(next_due=found["inspected_at"] + REFRESH * spread, **found)
    log.info("inspected", hub=model.hub, inspection=lease.pk, missing=len(missing), kept=held)


def _newest(model: Model) -> int | None:
    return model.snapshots.order_by("-pk").values_list("pk", flat=True).first()


def _retry_seconds(lease: Inspection) -> float:
    """An hour after the first answer that was missing, and twice as long each time, up to five days."""
    return float(FIRST_RETRY_SECONDS * 2 ** min(max(lease.attempts - 1, 0), MOST_DOUBLINGS))


def _seconds_each() -> float:
    return float(min(MOST_SECONDS_EACH, settings.LEASE_SECONDS * _PART_OF_LEASE))


def _reported(model: Model) -> str:
    """The commit that was named last beside the model, if any was."""
    named = Lookup.objects.filter(alias__model=model).exclude(revision="").order_by("-pk")
    revisions = named.values_list("revision", flat=True)[:50]
    return next((revision for revision in revisions if hubs()[model.hub].is_immutable(revision)), "")


def _facts(model: Model, snapshot: Snapshot) -> Facts:
    """What the snapshot was made of, as far as an inspection needs it."""
    return Facts(
        stable_id=model.stable_id or "",
        name=model.name,
        revision=snapshot.revision,
        author=snapshot.author,
        gated=snapshot.gated,
        disabled=snapshot.disabled,
        private=snapshot.private,
        tags=tuple(snapshot.tags),
        base_models=tuple(BaseModelClaim(**claim) for claim in snapshot.base_models),
        files=tuple(HubFile(**file) for file in snapshot.files),
        files_complete=snapshot.files_complete,
    )
