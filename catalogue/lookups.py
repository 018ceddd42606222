"""The standing job: name a model, ask its hub when due, keep what changed, or wait."""

import random
from dataclasses import asdict
from datetime import timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalogue.hub import Answer, Facts, Outcome, Reference, hubs
from catalogue.models import Alias, Lookup, Model, Snapshot
from lib.canonical import canonical_bytes, digest
from lib.due import lease_next
from lib.wake import wake

log = structlog.get_logger()

# Well under the time limit of a task, which is well under the queue's visibility time-out.
MOST_SECONDS = 120.0

# The hub answered, and the answer will not be another one in a minute.
_CONCLUSIVE = {
    Outcome.OK,
    Outcome.RENAMED,
    Outcome.GATED,
    Outcome.DISABLED,
    Outcome.MOVED_TO_OTHER_MODEL,
    Outcome.NOT_FOUND_OR_PRIVATE,
    Outcome.REVISION_NOT_FOUND,
}


def name_model(reference: Reference) -> Alias:
    """The alias `reference` names, known from now on, and due to be looked up at once if it is new.

    Call it in the transaction that needs the alias.
    """
    alias = find_alias(reference.hub, reference.name)
    if alias is None:
        model = Model.objects.create(hub=reference.hub, name=reference.name)
        alias, created = _get_or_create_alias(reference, model)
        if not created:
            model.delete()
    for revision in {"", reference.revision}:
        _, created = Lookup.objects.get_or_create(alias=alias, revision=revision)
        if created:
            wake("model named")
    return alias


def find_alias(hub: str, name: str) -> Alias | None:
    """The alias with that name, letter case aside."""
    return Alias.objects.select_related("model").filter(hub=hub, name__iexact=name).first()


def _get_or_create_alias(reference: Reference, model: Model) -> tuple[Alias, bool]:
    """As get_or_create, for a name that another transaction may be adding in other letter case."""
    added = Alias.objects.bulk_create(
        [Alias(hub=reference.hub, name=reference.name, model=model)], ignore_conflicts=True
    )
    alias = find_alias(reference.hub, added[0].name)
    if alias is None:
        raise RuntimeError(f"the name {reference.name} was neither found nor added")
    return alias, alias.model_id == model.pk


def look_up_due() -> int:
    """Works through what is due; how many lookups were made. Safe to run in any number of workers at once.

    It stops after `MOST_SECONDS` and wakes another run, so that no task runs into its time limit.
    """
    asked, started = 0, monotonic()
    while lease := lease_next(Lookup.objects.all()):
        look_up(lease)
        asked += 1
        if monotonic() - started > MOST_SECONDS:
            wake("lookups left over")
            break
    return asked


def look_up(lease: Lookup) -> None:
    """Asks the hub about one leased lookup, and ends the lease whatever happens."""
    alias = Alias.objects.get(pk=lease.alias_id)
    try:
        answer = hubs()[alias.hub].ask(Reference(alias.hub, alias.name, lease.revision))
        _conclude(lease, alias, answer)
    except Exception as error:
        lease.fail(f"{type(error).__name__}: {error}")
        log.exception("lookup failed", hub=alias.hub, lookup=lease.pk)


@transaction.atomic
def _conclude(lease: Lookup, alias: Alias, answer: Answer) -> None:
    now = timezone.now()
    outcome = answer.outcome
    if answer.facts is not None:
        alias = Alias.objects.select_for_update().select_related("model").get(pk=alias.pk)
        outcome = _keep(alias, lease.revision, answer.facts, outcome)
    if outcome in _CONCLUSIVE:
        held = lease.done(next_due=now + _refresh_interval(), outcome=outcome, answered_at=now)
    else:
        held = lease.postpone(answer.detail or outcome, at_least=answer.retry_after or 0, outcome=outcome)
    if not held:
        # Another worker took over while we waited; what it finds is newer, so ours is forgotten.
        transaction.set_rollback(True)
    log.info("looked up", hub=alias.hub, lookup=lease.pk, outcome=str(outcome), kept=held)


def _refresh_interval() -> timedelta:
    return timedelta(hours=settings.LOOKUP_REFRESH_HOURS * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load


def _keep(alias: Alias, revision_asked: str, facts: Facts, outcome: Outcome) -> Outcome:
    """Settles who the alias is and keeps a snapshot. A name that now leads to another stable id is another model."""
    model = alias.model
    if model.stable_id and model.stable_id != facts.stable_id:
        return Outcome.MOVED_TO_OTHER_MODEL
    if not model.stable_id:
        model = _settle_identity(alias, facts)
    if model.name != facts.name:
        Model.objects.filter(pk=model.pk).update(name=facts.name)
    if facts.name.lower() != alias.name.lower():
        Alias.objects.bulk_create([Alias(hub=alias.hub, name=facts.name, model=model)], ignore_conflicts=True)
    _snapshot(model, revision_asked, facts)
    return outcome


def _settle_identity(alias: Alias, facts: Facts) -> Model:
    """The one model with that stable id: the placeholder becomes it, or gives its names to the one already there."""
    placeholder = alias.model
    known = Model.objects.select_for_update().filter(hub=alias.hub, stable_id=facts.stable_id).first()
    if known is None:
        placeholder.stable_id = facts.stable_id
        placeholder.name = facts.name
        placeholder.save(update_fields=["stable_id", "name"])
        return placeholder
    placeholder.aliases.update(model=known)
    placeholder.delete()
    alias.model = known
    return known


def _snapshot(model: Model, revision_asked: str, facts: Facts) -> None:
    matters = _what_matters(facts)
    latest = latest_snapshot(model, revision_asked)
    if latest is not None and latest.digest == matters:
        return
    values = asdict(facts)
    Snapshot.objects.create(
        model=model,
        revision_asked=revision_asked,
        hub_created_at=values.pop("created_at"),
        hub_modified_at=values.pop("modified_at"),
        digest=matters,
        **{name: value for name, value in values.items() if name != "stable_id"},
    )


def latest_snapshot(model: Model, revision_asked: str) -> Snapshot | None:
    """What the hub last said of the model at the revision that was asked for."""
    return model.snapshots.filter(revision_asked=revision_asked).order_by("-taken_at", "-pk").first()


def _what_matters(facts: Facts) -> str:
    ignored = {"downloads", "likes", "created_at", "modified_at"}
    return digest(canonical_bytes({name: value for name, value in asdict(facts).items() if name not in ignored}))


def names_of(model: Model) -> list[str]:
    """Every name the model goes or went by."""
    return list(model.aliases.values_list("name", flat=True))
