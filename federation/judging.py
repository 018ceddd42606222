"""What an entry of another node's log comes to here, by its leaf, its object, what stands here and the node's policy.

Several are judged at once, each on another record: what they are judged by is read before, by a few queries for all.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Self

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from federation.following import distrust
from federation.models import EvidenceKind, Outcome, Peer, PulledEntry, Run, RunState, Verdict
from federation.policy import MODERATE, REJECT, Policy, rule
from incidents import foreign
from incidents.foreign import Logged, NotTheirsError
from incidents.keys import KeySet
from incidents.leaves import BadLeafError, Leaf, LeafOp, parse_leaf
from incidents.log_rules import BrokenRuleError, VoidError, check_step, read_object
from incidents.models import Incident
from incidents.record import Record, Status

WITHDRAWALS = (LeafOp.RETRACT, LeafOp.ERASE)


class Aside(Exception):  # noqa: N818 - no error: how a judgement ends
    """The entry is not shown; `then` is what follows from that."""

    def __init__(
        self, verdict: Verdict, reason: str = "", *, follows: bool = True, then: Callable[[], None] | None = None
    ) -> None:
        super().__init__(reason)
        self.verdict, self.reason, self.follows, self.then = verdict, reason, follows, then


@dataclass(frozen=True)
class Around:
    """What entries are judged by, besides themselves: by their ids, what stands here and came before or after them."""

    peer: Peer
    keys: KeySet | None
    before: dict[str, bytes]
    shown: dict[str, Incident]
    overtaken: Set[str]
    waiting: Set[str]

    @classmethod
    def of(cls, peer: Peer, entries: Sequence[PulledEntry], keys: KeySet | None) -> Self:
        """For entries in order, no two of which have the same id; the records among what stands here are locked."""
        subjects = [entry.subject for entry in entries if entry.subject]
        outcomes = Outcome.objects.filter(entry__peer=peer, entry__subject__in=subjects)
        later = outcomes.filter(entry__index__gt=entries[-1].index, verdict__in=[Verdict.SHOWN, Verdict.REFUSED])
        waiting = outcomes.filter(entry__index__lt=entries[-1].index, verdict=Verdict.WAITING)
        return cls(
            peer=peer,
            keys=keys,
            before=_leaves_before(peer, subjects, entries[0].index),
            shown=foreign.find(subjects),
            overtaken=set(later.values_list("entry__subject", flat=True)),
            waiting=set(waiting.values_list("entry__subject", flat=True)),
        )


def _leaves_before(peer: Peer, subjects: Sequence[str], index: int) -> dict[str, bytes]:
    """The last leaf of each id before that index which others may follow."""
    rows = PulledEntry.objects.filter(peer=peer, subject__in=subjects, index__lt=index)
    latest = Window(RowNumber(), partition_by="subject", order_by=F("index").desc())
    found = rows.exclude(outcome__follows=False).annotate(place=latest).filter(place=1)
    return {subject: bytes(leaf) for subject, leaf in found.values_list("subject", "leaf")}


def leaf_in_line(around: Around, entry: PulledEntry) -> Leaf:
    """The entry's leaf, which may follow the one before of its id. Raises Aside."""
    try:
        leaf = parse_leaf(bytes(entry.leaf))
    except BadLeafError as error:
        raise Aside(Verdict.QUARANTINED, str(error), follows=False) from error
    if not entry.object_digest:
        raise Aside(Verdict.QUARANTINED, "the leaf's members are not of the kinds that they must be", follows=False)
    before = around.before.get(leaf.id)
    try:
        check_step(leaf, parse_leaf(before) if before else None)
    except BrokenRuleError as error:
        then = partial(_note_second_revision, around.peer, entry, leaf)
        raise Aside(Verdict.QUARANTINED, str(error), follows=False, then=then) from error
    return leaf


def document_of(around: Around, entry: PulledEntry, leaf: Leaf) -> bytes:
    """The document of its object, signed as it must be, where the withdrawal it may be is followed. Raises Aside."""
    if around.keys is None:
        raise Aside(Verdict.QUARANTINED, "the log has no keys")
    body = entry.object.body
    if body is None:
        later = PulledEntry.objects.filter(peer=around.peer, subject=leaf.id, op=LeafOp.ERASE, index__gt=entry.index)
        if later.exists():
            raise Aside(Verdict.ERASED)
        most = around.peer.most_object_bytes
        raise Aside(Verdict.QUARANTINED, f"no object came that the leaf names and that has at most {most} bytes")
    try:
        return read_object(entry.index, leaf, bytes(body), around.keys)
    except VoidError as error:
        raise Aside(Verdict.VOID, str(error)) from error
    except BrokenRuleError as error:
        raise Aside(Verdict.QUARANTINED, str(error)) from error


def refuse_undecided(around: Around, entry: PulledEntry, leaf: Leaf) -> None:
    """Raises Aside for a withdrawal of what is shown, of a run that an operator does not follow."""
    incident = around.shown.get(leaf.id)
    if leaf.op not in WITHDRAWALS or incident is None or incident.origin != around.peer.domain:
        return
    if incident.status == Status.WITHDRAWN:  # as what is erased has, too
        return
    refused = Run.objects.filter(peer=around.peer, state=RunState.HELD, decision=Run.Decision.REFUSED)
    if refused.filter(first__lte=entry.index, end__gt=entry.index).exists():
        raise Aside(Verdict.REFUSED, "an operator does not follow the withdrawals of that run")


def version_to_show(around: Around, entry: PulledEntry, *, is_accepted: bool) -> Logged:
    """What the entry has this node show. Raises Aside, with what becomes of it else."""
    leaf = leaf_in_line(around, entry)
    document = document_of(around, entry, leaf)
    if not is_accepted:
        refuse_undecided(around, entry, leaf)
    record = _parsed(document)
    incident = around.shown.get(leaf.id)
    try:
        foreign.refuse_others(incident, record.origin)
    except NotTheirsError as error:
        raise Aside(Verdict.QUARANTINED, str(error)) from error
    if leaf.id in around.overtaken:
        # A later version is shown already: this one had been put aside meanwhile.
        raise Aside(Verdict.PASSED)
    if leaf.op is LeafOp.RETRACT and incident is None:
        raise Aside(Verdict.PASSED, then=partial(pass_waiting, around, entry))
    _refuse_by_policy(around, entry, record, leaf, is_accepted=is_accepted)
    try:
        foreign.refuse_erased(incident)
    except NotTheirsError as error:
        raise Aside(Verdict.QUARANTINED, str(error)) from error
    return Logged(leaf, record, document, entry.index)


def pass_waiting(around: Around, entry: PulledEntry) -> None:
    """Passes over an earlier version that waits for a moderator: this entry came in its place."""
    if entry.subject not in around.waiting:
        return
    waiting = Outcome.objects.filter(
        entry__peer=around.peer,
        entry__subject=entry.subject,
        entry__index__lt=entry.index,
        verdict=Verdict.WAITING,
    )
    waiting.update(verdict=Verdict.PASSED, reason=f"entry {entry.index} came in its place")


def policy_of(peer: Peer) -> Policy:
    """As its operators set it; a node that contradicted itself shows nothing by itself."""
    by_category, default = peer.acceptance_by_category, peer.acceptance
    if peer.distrusted_at:
        by_category = {code: value for code, value in by_category.items() if value == REJECT}
        default = default if default == REJECT else MODERATE
    return Policy(default, by_category, frozenset(peer.licences))


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


def _parsed(document: bytes) -> Record:
    try:
        return foreign.parse(document)
    except ValueError as error:
        raise Aside(Verdict.QUARANTINED, " ".join(str(error).split())[:500]) from error


def _refuse_by_policy(around: Around, entry: PulledEntry, record: Record, leaf: Leaf, *, is_accepted: bool) -> None:
    """A withdrawal of what is shown needs nobody's leave, and what a moderator accepted no second one."""
    if leaf.op is LeafOp.RETRACT or is_accepted:
        return
    ruling = rule(policy_of(around.peer), record.category, record.licence)
    if ruling.acceptance == REJECT:
        raise Aside(Verdict.REJECTED, ruling.reason)
    if ruling.acceptance == MODERATE:
        raise Aside(Verdict.WAITING, then=partial(pass_waiting, around, entry))
