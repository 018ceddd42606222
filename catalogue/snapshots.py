"""Keeping what a hub said: who the model is, what changed, what it derives from, how much it is used."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import TruncWeek
from django.utils import timezone

from catalogue import concerns, drift, inspections, lineage, naming, visibility
from catalogue.drift import Change, Difference
from catalogue.hub import Answer, Facts, Outcome
from catalogue.models import Alias, Drift, Lookup, Model, RawAnswer, Snapshot, UseCount, WeightFile
from lib.canonical import canonical_bytes, digest

# A model counts as gone only after refusals this often and over this long: a hub's bad hour is not a deletion.
GONE_AFTER_TIMES, GONE_AFTER = 4, timedelta(days=3)
# What changes all the time and is kept elsewhere.
_NOT_IN_DIGEST = frozenset({"downloads", "likes", "created_at", "modified_at"})


@dataclass(frozen=True)
class Kept:
    """How a question ended, in the light of what was known; `changed` if a snapshot was added to an older one."""

    outcome: Outcome
    changed: bool = False


def keep(alias: Alias, revision_asked: str, answer: Answer) -> Kept:
    """Settles who the alias is and keeps what is new; call it in a transaction.

    A name that now leads to another stable id is another model: nothing of it is kept under the old one.
    """
    if answer.facts is None:
        return Kept(answer.outcome)
    alias = Alias.objects.select_for_update(no_key=True, of=("self",)).select_related("model").get(pk=alias.pk)
    facts = answer.facts
    if alias.model.stable_id and alias.model.stable_id != facts.stable_id:
        concerns.note_moved(alias, answer)
        return Kept(Outcome.MOVED_TO_OTHER_MODEL)
    model = _identity(alias, facts)
    previous = latest_snapshot(model, revision_asked)
    matters = _digest(facts)
    is_new = previous is None or previous.digest != matters
    if is_new:
        snapshot = _add(model, revision_asked, facts, matters, answer.body)
        inspections.make_due(model)
        if previous is not None and not revision_asked:
            _note(model, drift.differences(previous, snapshot), snapshot.taken_at)
    if not revision_asked:
        _count_use(model, facts)
        lineage.keep_claims(model, facts.base_models, facts.bases_claimed_by)
        visibility.follow_up(model)
    return Kept(answer.outcome, changed=is_new and previous is not None)


def latest_snapshot(model: Model, revision_asked: str) -> Snapshot | None:
    """What the hub last said of the model at the revision that was asked for."""
    return model.snapshots.filter(revision_asked=revision_asked).order_by("-taken_at", "-pk").first()


def confirmed_snapshot(alias: Alias, revision_asked: str) -> Snapshot | None:
    """As `latest_snapshot`, dated when the hub last said the same: that it was first said earlier tells of a report."""
    snapshot = latest_snapshot(alias.model, revision_asked)
    asked = Lookup.objects.filter(alias=alias, revision=revision_asked, answered_at__isnull=False)
    confirmed = asked.order_by("-answered_at").values_list("answered_at", flat=True).first()
    if snapshot and confirmed:
        snapshot.taken_at = max(snapshot.taken_at, confirmed)
    return snapshot


def drift_since(model: Model, moment: datetime | None) -> QuerySet[Drift]:
    """What was noticed to have changed since `moment` (None: ever), oldest first."""
    rows = model.drift.order_by("noticed_at", "pk")
    return rows.filter(noticed_at__gte=moment) if moment else rows


def use_by_week(model: Model, since: date, *, most: int) -> Sequence[tuple[date, UseCount]]:
    """The Monday of each week from `since` on and the week's last count; the newest `most` weeks, oldest first."""
    rows = model.use_counts.filter(day__gte=since).annotate(week=TruncWeek("day"))
    return [(row.week, row) for row in rows.order_by("-week", "-day").distinct("week")[:most]][::-1]


def erase_raw(model: Model) -> int:
    """Erases the bodies of all answers about a model as they were received, and keeps their digests; how many."""
    return RawAnswer.objects.filter(snapshot__model=model).exclude(body=b"").update(body=b"")


def note_presence(lookup: Lookup, model: Model, outcome: Outcome) -> dict[str, object]:
    """What the outcome means for whether the model is still there: the lookup's new columns.

    Notes GONE once refusals were frequent and long enough, and BACK at the first answer after it.
    """
    now = timezone.now()
    if outcome is not Outcome.NOT_FOUND_OR_PRIVATE:
        if lookup.times_missing and _is_gone(model):
            _note(model, [Difference(Change.BACK)], now)
        return {"missing_since": None, "times_missing": 0}
    times, since = lookup.times_missing + 1, lookup.missing_since or now
    # A model that the hub never showed us may never have been there; and one revision is not the model.
    was_there = model.stable_id and not lookup.revision
    if was_there and times >= GONE_AFTER_TIMES and now - since >= GONE_AFTER and not _is_gone(model):
        _note(model, [Difference(Change.GONE)], now)
    return {"missing_since": since, "times_missing": times}


def _is_gone(model: Model) -> bool:
    last = model.drift.filter(change__in=[Change.GONE, Change.BACK]).order_by("-noticed_at", "-pk").first()
    return last is not None and last.change == Change.GONE


def _identity(alias: Alias, facts: Facts) -> Model:
    model = _one_with_stable_id(alias, facts)
    # Locked: two aliases of one model may be answered at once, and the second must see the first's snapshot.
    model = Model.objects.select_for_update(no_key=True).get(pk=model.pk)
    if model.name != facts.name:
        model.name = facts.name
        model.save(update_fields=["name"])
    if facts.name.lower() != alias.name.lower():
        naming.add_name(model, facts.name)
    return model


def _one_with_stable_id(alias: Alias, facts: Facts) -> Model:
    """The placeholder becomes the model with that id, or gives its names to the one already there.

    Nothing was ever kept of a placeholder, so that no append-only row has to follow its names.
    """
    placeholder = alias.model
    if placeholder.stable_id:
        return placeholder
    known = Model.objects.filter(hub=alias.hub, stable_id=facts.stable_id).first()
    if known is None:
        placeholder.stable_id = facts.stable_id
        placeholder.save(update_fields=["stable_id"])
        return placeholder
    placeholder.aliases.update(model=known)
    visibility.inherit(known, watched=placeholder.watched)
    concerns.settle_merged(known)
    placeholder.delete()
    return known


def _add(model: Model, revision_asked: str, facts: Facts, matters: str, body: bytes) -> Snapshot:
    values = asdict(facts)
    for column, name in (("hub_created_at", "created_at"), ("hub_modified_at", "modified_at")):
        values[column] = values.pop(name)
    for kept_elsewhere in ("stable_id", "bases_claimed_by"):
        del values[kept_elsewhere]
    snapshot = Snapshot.objects.create(model=model, revision_asked=revision_asked, digest=matters, **values)
    WeightFile.objects.bulk_create(
        WeightFile(snapshot=snapshot, path=file.path[:1000], sha256=file.sha256)
        for file in facts.files
        if file.sha256 and drift.holds_weights(file.path)
    )
    if body:
        RawAnswer.objects.create(snapshot=snapshot, sha256=digest(body), body=zlib.compress(body))
    return snapshot


def _digest(facts: Facts) -> str:
    return digest(canonical_bytes({name: value for name, value in asdict(facts).items() if name not in _NOT_IN_DIGEST}))


def _note(model: Model, found: Iterable[Difference], at: datetime) -> None:
    Drift.objects.bulk_create(
        Drift(model=model, noticed_at=at, change=one.change, before=one.before[:1000], after=one.after[:1000])
        for one in found
    )


def _count_use(model: Model, facts: Facts) -> None:
    # Of a private repository only we may see them.
    if facts.private or (facts.downloads is None and facts.likes is None):
        return
    UseCount.objects.update_or_create(
        model=model, day=timezone.now().date(), defaults={"downloads": facts.downloads, "likes": facts.likes}
    )
