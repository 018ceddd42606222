"""This node as a witness: what it keeps of another log to the last entry it cosigns, and returns that to its node.

A cosignature/v1 (c2sp.org/tlog-cosignature v1.0.1) says that of all checkpoints of that log which this node saw, this
is the largest, and continues the others. A node that does not answer is tried ever more rarely, and holds up nobody.
"""

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from federation import cosignatures
from federation.models import Cosigning, Peer, PeerState
from federation.telling import tell
from incidents import keyring
from incidents.keys import KeySet, Purpose
from incidents.sequencing import current_keys
from lib.due import lease_next
from lib.notes import COSIGNATURE, NoteKey, cosign, only_by


def witness_key(keys: KeySet) -> NoteKey:
    """The key that others verify our cosignatures by: the log key's, under the node's name and of its own type.

    What is signed begins with `cosignature/v1`, as no checkpoint does: neither passes for the other.
    """
    return NoteKey(settings.NODE_NAME, keys.in_force(Purpose.LOG).public, COSIGNATURE)


def return_due() -> int:
    """Returns a cosignature to every peer that is due; how many took it. Safe in any number of workers at once."""
    keys = current_keys()
    if keys is None:
        return 0
    _add_missing()
    taken = 0
    while row := lease_next(owed()):
        taken += _return(row, keys)
    return taken


def owed() -> QuerySet[Cosigning]:
    """The peers whose last checkpoint is kept whole and not cosigned; none that contradicted itself."""
    rows = Cosigning.objects.filter(peer__state=PeerState.FOLLOWED, peer__distrusted_at=None)
    whole = rows.filter(peer__mirror__size=F("peer__seen"), returned__lt=F("peer__mirror__size"))
    return whole.exclude(peer__node_address="")


def _add_missing() -> None:
    missing = Peer.objects.filter(state=PeerState.FOLLOWED, cosigning=None).exclude(mirror=None)
    rows = (Cosigning(peer=peer) for peer in missing.exclude(node_address=""))
    Cosigning.objects.bulk_create(rows, ignore_conflicts=True)


def _return(row: Cosigning, keys: KeySet) -> bool:
    kept, now = row.peer.mirror, timezone.now()

    def message() -> tuple[bytes, dict[str, str]]:
        private = keyring.require(keys.in_force(Purpose.LOG))
        line = cosign(kept.note, settings.NODE_NAME, private, at=int(now.timestamp()))
        return (only_by(kept.note, kept.origin) + line).encode(), {"Content-Type": "text/plain; charset=utf-8"}

    address = f"{row.peer.node_address}{cosignatures.PATH}"
    return tell(row, address, message, next_due=now, returned=kept.size, returned_at=now)
