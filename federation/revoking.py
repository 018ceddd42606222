"""What a revocation that reaches back means for what is shown already: it is void, and the version before it counts."""

from datetime import datetime

import structlog

from federation.models import Outcome, Peer, PulledEntry, Verdict
from incidents import foreign
from incidents.foreign import Logged
from incidents.keys import KeySet, Purpose
from incidents.leaves import LeafOp, parse_leaf
from incidents.log_rules import document_of

log = structlog.get_logger()

_REASON = "the key that signed it was revoked, as entry {} says"


def take_back_void(peer: Peer, event: PulledEntry, keys: KeySet, now: datetime) -> list[str]:
    """Marks what was shown under keys that a key event revoked, and goes back to what counts; the ids concerned.

    The caller holds our log's lock. A record of which nothing counts stays until its origin says it again, or erases
    it: only its origin can take it back.
    """
    revoked = [key.end for key in keys.of(Purpose.RECORD) if key.revoked and key.end is not None]
    shown = Outcome.objects.filter(
        entry__peer=peer, entry__index__gte=min(revoked, default=event.index), entry__index__lt=event.index
    )
    void = [
        outcome
        for outcome in shown.filter(verdict=Verdict.SHOWN).select_related("entry")
        if keys.at(Purpose.RECORD, outcome.entry.index) is None and outcome.entry.op != LeafOp.ERASE
    ]
    Outcome.objects.filter(pk__in=[one.pk for one in void]).update(
        verdict=Verdict.VOID, reason=_REASON.format(event.index)
    )
    names = sorted({outcome.entry.subject for outcome in void})
    for name in names:
        _go_back(peer, name, event, now)
    if names:
        log.error("a peer revoked a key that had signed what is shown here", peer=peer.domain, records=names)
    return names


def _go_back(peer: Peer, public_id: str, event: PulledEntry, now: datetime) -> None:
    entries = PulledEntry.objects.filter(peer=peer, subject=public_id)
    if entries.filter(index__gt=event.index).exists():
        return  # what counts is on its way
    last = entries.filter(outcome__verdict=Verdict.SHOWN).select_related("object").order_by("-index").first()
    if last is None or last.object.body is None:
        return
    leaf = parse_leaf(bytes(last.leaf))
    document = document_of(leaf, bytes(last.object.body))
    foreign.show_again(Logged(leaf, foreign.parse(document), document, last.index), at=now)
