"""Lets entries of other nodes' logs take effect here, once each and in order: shown, queued or put aside.

An entry that does not hold is put aside with its reason, and the next one is looked at. Entries on different records
take effect together, by as many statements as one, and in one transaction with their outcomes, so that whoever is
killed has done them or not.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Func, IntegerField, QuerySet
from django.utils import timezone

from federation import judging, revoking
from federation.judging import WITHDRAWALS, Around, Aside
from federation.known_keys import keys_of
from federation.models import Outcome, Peer, PulledEntry, PulledObject, Run, RunState, Verdict
from federation.policy import is_mass_withdrawal
from incidents import foreign, tree
from incidents.foreign import NotTheirsError
from incidents.keys import KeySet
from incidents.leaves import LeafOp
from incidents.models import Incident, Publication
from incidents.record import Status

log = structlog.get_logger()

# What takes effect in one transaction, for which our own log waits: entries, bytes of their objects, and seconds after
# which nothing more is begun in it.
BATCH, MOST_BYTES, SECONDS = 100, 2_000_000, 0.4
_LATELY = timedelta(days=1)


def held(peer: Peer) -> Run | None:
    """The run that waits for an operator."""
    return Run.objects.filter(peer=peer, state=RunState.HELD, decision="").first()


def withdrawals_due(peer: Peer) -> list[str]:
    """The ids of records that are shown here, and that entries on which nobody decided yet would withdraw.

    What was withdrawn before the log was first read is none of them, however long that reading takes.
    """
    due = _due(peer).filter(op__in=WITHDRAWALS, index__gte=_first_undecided(peer)).values("subject")
    return list(_shown(peer).filter(public_id__in=due).values_list("public_id", flat=True))


def is_held_back(peer: Peer) -> bool:
    """Whether what is due withdraws so much of what is shown that an operator must decide.

    Withdrawals of the last day count with it, so that nobody empties this node a few records at a time.
    """
    due = len(withdrawals_due(peer))
    lately = _withdrawn_lately(peer)
    return due > 0 and is_mass_withdrawal(due + lately, _shown(peer).count() + lately)


def _first_undecided(peer: Peer) -> int:
    """The first entry that no operator decided on with others, and that is none of the log's past."""
    decided = Run.objects.filter(peer=peer, state=RunState.HELD).exclude(decision="").first()
    return max(decided.end if decided else 0, peer.history)


def _withdrawn_lately(peer: Peer) -> int:
    entries = PulledEntry.objects.filter(peer=peer, op__in=WITHDRAWALS, index__gte=_first_undecided(peer))
    taken = entries.filter(outcome__publication__isnull=False, outcome__at__gte=timezone.now() - _LATELY)
    return taken.values("subject").distinct().count()


def apply_next(peer: Peer) -> Counter[str]:
    """Lets the next entries take effect; how many came to which verdict. Empty where none is due."""
    counts = Counter[str]()
    with transaction.atomic():
        tree.lock()
        until = monotonic() + SECONDS
        standing = Peer.objects.select_for_update().get(pk=peer.pk)
        keys = keys_of(standing)
        for wave in _waves(_next_entries(standing)):
            counts.update(outcome.verdict for outcome in _apply(standing, wave, keys))
            standing.applied = wave[-1].index + 1
            if monotonic() >= until:
                break
        if counts:
            Peer.objects.filter(pk=peer.pk).update(applied=standing.applied)
    peer.refresh_from_db(fields=["applied", "distrusted_at"])
    return counts


def judge_again(entry: PulledEntry) -> Outcome:
    """Judges an entry that was put aside once more: its object has come, or a moderator says that it is shown."""
    with transaction.atomic():
        tree.lock()
        entry = PulledEntry.objects.select_related("object").get(pk=entry.pk)
        Outcome.objects.filter(entry=entry, publication=None).delete()
        return _apply(entry.peer, [entry], keys_of(entry.peer))[0]


def accept(entry: PulledEntry) -> Outcome:
    """Shows a record that waits for a moderator. Raises NotTheirsError where it does not wait."""
    with transaction.atomic():
        tree.lock()
        outcome = Outcome.objects.select_for_update().filter(entry=entry, verdict=Verdict.WAITING).first()
        if outcome is None:
            raise NotTheirsError("it does not wait for a moderator")
        outcome.delete()
        return _apply(entry.peer, [entry], keys_of(entry.peer), is_accepted=True)[0]


def reject(entry: PulledEntry, reason: str) -> None:
    """Passes over a record that waits for a moderator. Raises NotTheirsError where it does not wait."""
    waiting = Outcome.objects.filter(entry=entry, verdict=Verdict.WAITING)
    if not waiting.update(verdict=Verdict.REJECTED, reason=(reason or "by a moderator")[:500], at=timezone.now()):
        raise NotTheirsError("it does not wait for a moderator")


def _due(peer: Peer) -> QuerySet[PulledEntry]:
    return PulledEntry.objects.filter(peer=peer, index__gte=peer.applied, index__lt=peer.size)


def _shown(peer: Peer) -> QuerySet[Incident]:
    return Incident.objects.filter(origin=peer.domain).exclude(status=Status.WITHDRAWN)


def _next_entries(peer: Peer) -> list[PulledEntry]:
    """As many as a transaction may have, and one at least."""
    octets = Func(F("object__body"), function="octet_length", output_field=IntegerField())
    end, total = peer.applied, 0
    for index, length in _due(peer).order_by("index").values_list("index", octets)[:BATCH]:
        total += length or 0
        if total > MOST_BYTES and end > peer.applied:
            break
        end = index + 1
    return list(_due(peer).filter(index__lt=end).select_related("object").order_by("index"))


def _waves(entries: Sequence[PulledEntry]) -> Iterator[list[PulledEntry]]:
    """The entries in order, as many together as may be: what keys and erasures change goes beyond one record."""
    wave: list[PulledEntry] = []
    subjects: set[str] = set()
    for entry in entries:
        if wave and (_is_alone(entry) or _is_alone(wave[-1]) or entry.subject in subjects):
            yield wave
            wave, subjects = [], set()
        wave.append(entry)
        subjects |= {entry.subject} - {""}
    if wave:
        yield wave


def _is_alone(entry: PulledEntry) -> bool:
    return entry.op in {LeafOp.ERASE, LeafOp.KEY}


def _apply(
    peer: Peer, entries: Sequence[PulledEntry], keys: KeySet | None, *, is_accepted: bool = False
) -> list[Outcome]:
    """What became of the entries of a wave; the caller holds our log's lock."""
    now = timezone.now()
    try:
        with transaction.atomic():
            outcomes = _outcomes(peer, entries, keys, now, is_accepted=is_accepted)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # One record, whatever is in it, never stands in the way of the others: halves show which one it is.
        peer.refresh_from_db(fields=["distrusted_at"])
        if len(entries) > 1:
            middle = len(entries) // 2
            halves = (entries[:middle], entries[middle:])
            return [one for half in halves for one in _apply(peer, half, keys, is_accepted=is_accepted)]
        log.exception("an entry of another node cannot be taken", peer=peer.domain, index=entries[0].index)
        reason = f"it cannot be taken: {type(error).__name__}"
        outcomes = [Outcome(entry=entries[0], verdict=Verdict.QUARANTINED, reason=reason, at=now)]
    return Outcome.objects.bulk_create(outcomes)


def _outcomes(
    peer: Peer, entries: Sequence[PulledEntry], keys: KeySet | None, now: datetime, *, is_accepted: bool
) -> list[Outcome]:
    around = Around.of(peer, entries, keys)
    outcomes, shown, versions = [], [], []
    for entry in entries:
        outcome = Outcome(entry=entry, verdict=Verdict.SHOWN, at=now)
        outcomes.append(outcome)
        try:
            if _is_alone(entry):
                outcome.verdict, outcome.publication = _take_alone(around, entry, now, is_accepted=is_accepted)
            else:
                versions.append(judging.version_to_show(around, entry, is_accepted=is_accepted))
                shown.append(outcome)
        except Aside as aside:
            outcome.verdict, outcome.reason, outcome.follows = aside.verdict, aside.reason[:500], aside.follows
            if aside.then:
                aside.then()
    for outcome in shown:
        judging.pass_waiting(around, outcome.entry)
    publications = foreign.show(versions, at=now) if versions else []
    for outcome, publication in zip(shown, publications, strict=True):
        outcome.publication = publication
    return outcomes


def _take_alone(
    around: Around, entry: PulledEntry, now: datetime, *, is_accepted: bool
) -> tuple[Verdict, Publication | None]:
    """An event of the node's keys, or an erasure. Raises Aside."""
    leaf = judging.leaf_in_line(around, entry)
    if leaf.op is LeafOp.KEY:
        if around.keys:
            revoking.take_back_void(around.peer, entry, around.keys, now)
        return Verdict.KEYS, None
    judging.document_of(around, entry, leaf)
    if not is_accepted:
        judging.refuse_undecided(around, entry, leaf)
    try:
        publication = foreign.erase(leaf, around.peer.domain, index=entry.index, at=now)
    except NotTheirsError as error:
        raise Aside(Verdict.QUARANTINED, str(error)) from error
    _forget(around.peer, entry)
    return (Verdict.SHOWN if publication else Verdict.PASSED), publication


def _forget(peer: Peer, erasure: PulledEntry) -> None:
    """Leaves nothing of the versions before an erasure."""
    before = PulledEntry.objects.filter(peer=peer, subject=erasure.subject, index__lt=erasure.index)
    earlier = Outcome.objects.filter(entry__in=before, publication=None).exclude(verdict=Verdict.REJECTED)
    earlier.update(verdict=Verdict.ERASED, reason="")
    PulledObject.objects.filter(entry__in=before).exclude(body=None).update(body=None)
