"""What entries of other nodes' logs come to here: each is judged once, in order, and shown, queued or put aside.

An entry that does not hold is put aside with its reason, and the next one is looked at. Each takes effect in one
transaction with its outcome, so that whoever is killed has done it or not.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from federation import revoking
from federation.following import distrust
from federation.known_keys import keys_of
from federation.models import EvidenceKind, Outcome, Peer, PulledEntry, PulledObject, Run, RunState, Verdict
from federation.policy import MODERATE, REJECT, Policy, is_mass_withdrawal, rule
from incidents import foreign, tree
from incidents.foreign import NotTheirsError
from incidents.keys import KeySet
from incidents.leaves import BadLeafError, Leaf, LeafOp, parse_leaf
from incidents.log_rules import BrokenRuleError, VoidError, check_step, read_object
from incidents.models import Incident, Publication
from incidents.record import Record, Status

log = structlog.get_logger()

# Entries of one transaction: our own log waits as long as it takes.
BATCH = 10
_WITHDRAWALS = (LeafOp.RETRACT, LeafOp.ERASE)
_LATELY = timedelta(days=1)


class _Aside(Exception):  # noqa: N818 - no error: how a judgement ends
    """The entry is put aside; `then` is what follows from that."""

    def __init__(
        self, verdict: Verdict, reason: str, *, follows: bool = True, then: Callable[[], None] | None = None
    ) -> None:
        super().__init__(reason)
        self.verdict, self.reason, self.follows, self.then = verdict, reason, follows, then


def held(peer: Peer) -> Run | None:
    """The run that waits for an operator."""
    return Run.objects.filter(peer=peer, state=RunState.HELD, decision="").first()


def withdrawals_due(peer: Peer) -> list[str]:
    """The ids of records that are shown here, and that entries on which nobody decided yet would withdraw.

    What was withdrawn before the log was first read is none of them, however long that reading takes.
    """
    due = _due(peer).filter(op__in=_WITHDRAWALS, index__gte=_first_undecided(peer)).values("subject")
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
    entries = PulledEntry.objects.filter(peer=peer, op__in=_WITHDRAWALS, index__gte=_first_undecided(peer))
    taken = entries.filter(outcome__publication__isnull=False, outcome__at__gte=timezone.now() - _LATELY)
    return taken.values("subject").distinct().count()


def apply_next(peer: Peer) -> Counter[str]:
    """Lets the next few entries take effect; how many came to which verdict. Empty where none is due."""
    with transaction.atomic():
        tree.lock()
        standing = Peer.objects.select_for_update().get(pk=peer.pk)
        entries = list(_due(standing).select_related("object").order_by("index")[:BATCH])
        keys = keys_of(standing)
        counts = Counter(_apply(standing, entry, keys).verdict for entry in entries)
        if entries:
            Peer.objects.filter(pk=peer.pk).update(applied=entries[-1].index + 1)
    peer.refresh_from_db(fields=["applied", "distrusted_at"])
    return counts


def judge_again(entry: PulledEntry) -> Outcome:
    """Judges an entry that was put aside once more: its object has come, or a moderator says that it is shown."""
    with transaction.atomic():
        tree.lock()
        entry = PulledEntry.objects.select_related("object").get(pk=entry.pk)
        Outcome.objects.filter(entry=entry, publication=None).delete()
        return _apply(entry.peer, entry, keys_of(entry.peer))


def accept(entry: PulledEntry) -> Outcome:
    """Shows a record that waits for a moderator. Raises NotTheirsError where it does not wait."""
    with transaction.atomic():
        tree.lock()
        outcome = Outcome.objects.select_for_update().filter(entry=entry, verdict=Verdict.WAITING).first()
        if outcome is None:
            raise NotTheirsError("it does not wait for a moderator")
        outcome.delete()
        return _apply(entry.peer, entry, keys_of(entry.peer), is_accepted=True)


def reject(entry: PulledEntry, reason: str) -> None:
    """Passes over a record that waits for a moderator. Raises NotTheirsError where it does not wait."""
    waiting = Outcome.objects.filter(entry=entry, verdict=Verdict.WAITING)
    if not waiting.update(verdict=Verdict.REJECTED, reason=(reason or "by a moderator")[:500], at=timezone.now()):
        raise NotTheirsError("it does not wait for a moderator")


def policy_of(peer: Peer) -> Policy:
    """As its operators set it; a node that contradicted itself shows nothing by itself."""
    by_category, default = peer.acceptance_by_category, peer.acceptance
    if peer.distrusted_at:
        by_category = {code: value for code, value in by_category.items() if value == REJECT}
        default = default if default == REJECT else MODERATE
    return Policy(default, by_category, frozenset(peer.licences))


def _due(peer: Peer) -> QuerySet[PulledEntry]:
    return PulledEntry.objects.filter(peer=peer, index__gte=peer.applied, index__lt=peer.size)


def _shown(peer: Peer) -> QuerySet[Incident]:
    return Incident.objects.filter(origin=peer.domain).exclude(status=Status.WITHDRAWN)


def _apply(peer: Peer, entry: PulledEntry, keys: KeySet | None, *, is_accepted: bool = False) -> Outcome:
    now = timezone.now()
    outcome = Outcome(entry=entry, verdict=Verdict.SHOWN, at=now)
    try:
        with transaction.atomic():
            outcome.verdict, outcome.publication = _judge(peer, entry, keys, now, is_accepted=is_accepted)
    except _Aside as aside:
        outcome.verdict, outcome.reason, outcome.follows = aside.verdict, aside.reason[:500], aside.follows
        if aside.then:
            aside.then()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # One record, whatever is in it, never stands in the way of the others.
        log.exception("an entry of another node cannot be taken", peer=peer.domain, index=entry.index)
        outcome.verdict, outcome.reason = Verdict.QUARANTINED, f"it cannot be taken: {type(error).__name__}"
    outcome.save(force_insert=True)
    return outcome


def _judge(
    peer: Peer, entry: PulledEntry, keys: KeySet | None, now: datetime, *, is_accepted: bool
) -> tuple[Verdict, Publication | None]:
    leaf = _leaf_in_line(peer, entry)
    if leaf.op is LeafOp.KEY:
        if keys:
            revoking.take_back_void(peer, entry, keys, now)
        return Verdict.KEYS, None
    document = _document(peer, entry, leaf, keys)
    if leaf.op in _WITHDRAWALS and not is_accepted and _is_refused(peer, entry, leaf):
        raise _Aside(Verdict.REFUSED, "an operator does not follow the withdrawals of that run")
    try:
        if leaf.op is LeafOp.ERASE:
            return _erase(peer, entry, leaf, now)
        return _take(peer, entry, leaf, document, now, is_accepted=is_accepted)
    except NotTheirsError as error:
        raise _Aside(Verdict.QUARANTINED, str(error)) from error


def _leaf_in_line(peer: Peer, entry: PulledEntry) -> Leaf:
    try:
        leaf = parse_leaf(bytes(entry.leaf))
    except BadLeafError as error:
        raise _Aside(Verdict.QUARANTINED, str(error), follows=False) from error
    if not entry.object_digest:
        raise _Aside(Verdict.QUARANTINED, "the leaf's members are not of the kinds that they must be", follows=False)
    before = PulledEntry.objects.filter(peer=peer, subject=leaf.id, index__lt=entry.index).exclude(
        outcome__follows=False
    )
    previous = before.order_by("-index").first()
    try:
        check_step(leaf, parse_leaf(bytes(previous.leaf)) if previous else None)
    except BrokenRuleError as error:
        then = partial(_note_second_revision, peer, entry, leaf)
        raise _Aside(Verdict.QUARANTINED, str(error), follows=False, then=then) from error
    return leaf


def _note_second_revision(peer: Peer, entry: PulledEntry, leaf: Leaf) -> None:
    same = PulledEntry.objects.filter(peer=peer, subject=leaf.id, revision=leaf.rev, index__lt=entry.index)
    first = same.exclude(object_digest=leaf.obj).first()
    if first:
        distrust(
            peer,
            EvidenceKind.REVISIONS,
            bytes(first.leaf).decode(),
            bytes(entry.leaf).decode(),
            {"first": first.index, "second": entry.index},
        )


def _document(peer: Peer, entry: PulledEntry, leaf: Leaf, keys: KeySet | None) -> bytes:
    if keys is None:
        raise _Aside(Verdict.QUARANTINED, "the log has no keys")
    body = entry.object.body
    if body is None:
        later = PulledEntry.objects.filter(peer=peer, subject=leaf.id, op=LeafOp.ERASE, index__gt=entry.index)
        if later.exists():
            raise _Aside(Verdict.ERASED, "")
        most = peer.most_object_bytes
        raise _Aside(Verdict.QUARANTINED, f"no object came that the leaf names and that has at most {most} bytes")
    try:
        return read_object(entry.index, leaf, bytes(body), keys)
    except VoidError as error:
        raise _Aside(Verdict.VOID, str(error)) from error
    except BrokenRuleError as error:
        raise _Aside(Verdict.QUARANTINED, str(error)) from error


def _is_refused(peer: Peer, entry: PulledEntry, leaf: Leaf) -> bool:
    runs = Run.objects.filter(peer=peer, state=RunState.HELD, decision=Run.Decision.REFUSED)
    held_back = runs.filter(first__lte=entry.index, end__gt=entry.index)
    return held_back.exists() and _shown(peer).filter(public_id=leaf.id).exists()


def _erase(peer: Peer, entry: PulledEntry, leaf: Leaf, now: datetime) -> tuple[Verdict, Publication | None]:
    publication = foreign.erase(leaf, peer.domain, index=entry.index, at=now)
    earlier = Outcome.objects.filter(entry__peer=peer, entry__subject=leaf.id, entry__index__lt=entry.index)
    earlier.filter(publication=None).exclude(verdict=Verdict.REJECTED).update(verdict=Verdict.ERASED, reason="")
    bodies = PulledObject.objects.filter(entry__peer=peer, entry__subject=leaf.id, entry__index__lt=entry.index)
    bodies.exclude(body=None).update(body=None)
    return (Verdict.SHOWN if publication else Verdict.PASSED), publication


def _take(
    peer: Peer, entry: PulledEntry, leaf: Leaf, document: bytes, now: datetime, *, is_accepted: bool
) -> tuple[Verdict, Publication | None]:
    try:
        record = foreign.parse(document)
    except ValueError as error:
        raise _Aside(Verdict.QUARANTINED, " ".join(str(error).split())[:500]) from error
    shown = foreign.find(leaf.id, record.origin)
    if _is_overtaken(peer, entry, leaf):
        return Verdict.PASSED, None
    if leaf.op is LeafOp.RETRACT and shown is None:
        _pass_waiting(peer, entry, leaf)
        return Verdict.PASSED, None
    _refuse_by_policy(peer, entry, record, leaf, is_accepted=is_accepted)
    _pass_waiting(peer, entry, leaf)
    return Verdict.SHOWN, foreign.show(leaf, record, document, index=entry.index, at=now)


def _is_overtaken(peer: Peer, entry: PulledEntry, leaf: Leaf) -> bool:
    """Whether a later version is shown already: this one had been put aside meanwhile."""
    later = Outcome.objects.filter(entry__peer=peer, entry__subject=leaf.id, entry__index__gt=entry.index)
    return later.filter(verdict__in=[Verdict.SHOWN, Verdict.REFUSED]).exists()


def _pass_waiting(peer: Peer, entry: PulledEntry, leaf: Leaf) -> None:
    waiting = Outcome.objects.filter(
        entry__peer=peer, entry__subject=leaf.id, entry__index__lt=entry.index, verdict=Verdict.WAITING
    )
    waiting.update(verdict=Verdict.PASSED, reason=f"entry {entry.index} came in its place")


def _refuse_by_policy(peer: Peer, entry: PulledEntry, record: Record, leaf: Leaf, *, is_accepted: bool) -> None:
    """A withdrawal of what is shown needs nobody's leave, and what a moderator accepted no second one."""
    if leaf.op is LeafOp.RETRACT or is_accepted:
        return
    ruling = rule(policy_of(peer), record.category, record.licence)
    if ruling.acceptance == REJECT:
        raise _Aside(Verdict.REJECTED, ruling.reason)
    if ruling.acceptance == MODERATE:
        raise _Aside(Verdict.WAITING, "", then=partial(_pass_waiting, peer, entry, leaf))
