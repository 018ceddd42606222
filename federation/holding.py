"""Withdrawals of much at once: an operator looks at the run that holds them, and follows them, or does not.

Whatever was decided can be undone, as long as the origin did not say something else meanwhile: what was refused is
followed after all; what was released is shown again, but for what was erased, whose bytes are gone.
"""

from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from federation import applying
from federation.models import Outcome, Peer, PulledEntry, Run, RunState, Verdict
from incidents import foreign, tree
from incidents.foreign import Logged
from incidents.leaves import LeafOp, parse_leaf
from incidents.log_rules import document_of
from lib.wake import wake

_GONE = "an operator took back that it was followed"


class NotHeldError(ValueError):
    """The run does not wait for that; the message says why."""


def release(*, run: Run, by: User | None = None) -> None:
    """Lets the run's withdrawals take effect. Raises NotHeldError."""
    _decide(run, Run.Decision.RELEASED, by)


def refuse(*, run: Run, by: User | None = None) -> None:
    """Goes on showing what the run would withdraw; all else of it takes effect. Raises NotHeldError."""
    _decide(run, Run.Decision.REFUSED, by)


@transaction.atomic
def undo(*, run: Run, by: User | None = None) -> int:
    """Takes the decision on a run back; how many records changed. Raises NotHeldError."""
    tree.lock()
    held = Run.objects.select_for_update().get(pk=run.pk)
    if held.state != RunState.HELD or held.decision not in {Run.Decision.RELEASED, Run.Decision.REFUSED}:
        raise NotHeldError("no decision on this run stands")
    if held.peer.applied < held.end:
        raise NotHeldError("the decision has not taken full effect yet")
    was_released = held.decision == Run.Decision.RELEASED
    _keep_decision(held, Run.Decision.UNDONE, by)
    changed = _shown_again(held) if was_released else _followed_after_all(held)
    run.refresh_from_db()
    return changed


@transaction.atomic
def _decide(run: Run, decision: str, by: User | None) -> None:
    held = Run.objects.select_for_update().get(pk=run.pk)
    if held.state != RunState.HELD or held.decision:
        raise NotHeldError("the run does not wait for a decision")
    # What came since the run was held waited with it, and is looked at for itself.
    _keep_decision(held, decision, by)
    Peer.objects.filter(pk=held.peer_id).update(due_at=timezone.now())
    wake("peer added")
    run.refresh_from_db()


def _keep_decision(run: Run, decision: str, by: User | None) -> None:
    run.decision, run.decided_at, run.decided_by = decision, timezone.now(), by
    run.save(update_fields=["decision", "decided_at", "decided_by"])


def _withdrawals(run: Run, verdict: Verdict) -> Iterator[Outcome]:
    """Those that are still the last word of their origin on their record."""
    rows = Outcome.objects.filter(
        entry__peer=run.peer, entry__index__gte=run.first, entry__index__lt=run.end, verdict=verdict
    )
    for outcome in rows.select_related("entry", "entry__object").order_by("entry__index"):
        later = PulledEntry.objects.filter(peer=run.peer, subject=outcome.entry.subject)
        if not later.filter(index__gt=outcome.entry.index).exists():
            yield outcome


def _followed_after_all(run: Run) -> int:
    return sum(
        applying.judge_again(outcome.entry).verdict == Verdict.SHOWN for outcome in _withdrawals(run, Verdict.REFUSED)
    )


def _shown_again(run: Run) -> int:
    """The version before each withdrawal, where it was shown."""
    count = 0
    for outcome in _withdrawals(run, Verdict.SHOWN):
        if outcome.entry.op != LeafOp.RETRACT:
            continue
        before = Outcome.objects.filter(
            entry__peer=run.peer, entry__subject=outcome.entry.subject, verdict=Verdict.SHOWN
        )
        last = before.exclude(pk=outcome.pk).order_by("-entry__index").select_related("entry__object").first()
        if last is None or last.entry.op == LeafOp.RETRACT or last.entry.object.body is None:
            continue
        _show_again(last.entry)
        Outcome.objects.filter(pk=outcome.pk).update(verdict=Verdict.REFUSED, reason=_GONE)
        count += 1
    return count


def _show_again(entry: PulledEntry) -> None:
    leaf = parse_leaf(bytes(entry.leaf))
    document = document_of(leaf, bytes(entry.object.body or b""))
    foreign.show_again(Logged(leaf, foreign.parse(document), document, entry.index), at=timezone.now())
