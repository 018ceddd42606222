"""This node as a witness: what it keeps of another log to the last entry it cosigns, and returns that to its node.

A cosignature/v1 (c2sp.org/tlog-cosignature v1.0.1) says that of all checkpoints of that log which this node saw, this
is the largest, and continues the others. A node that does not answer is tried ever more rarely, and holds up nobody.
"""

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from federation import cosignatures
from federation.models import Cosigning, Peer, PeerState
from incidents import keyring
from incidents.guard import LogRefusesError
from incidents.keys import KeySet, Purpose
from incidents.sequencing import current_keys
from lib.due import lease_next
from lib.http import CALL_ERRORS, bounded_client
from lib.notes import COSIGNATURE, NoteKey, cosign, only_by

_SECONDS = 5.0
_MOST_BYTES = 20_000
# Whoever does not follow us, or knows of no cosignatures, is asked again whether that has changed.
_NOT_WANTED = frozenset({403, 404, 405, 410})
_NOT_WANTED_SECONDS = 3600.0


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
    try:
        private = keyring.require(keys.in_force(Purpose.LOG))
        line = cosign(kept.note, settings.NODE_NAME, private, at=int(now.timestamp()))
        answer = bounded_client(seconds=_SECONDS, most_bytes=_MOST_BYTES).post(
            f"{row.peer.node_address}{cosignatures.PATH}",
            content=(only_by(kept.note, kept.origin) + line).encode(),
            headers={"Content-Type": "text/plain; charset=utf-8"},
        )
    except LogRefusesError as error:
        return row.postpone(str(error), at_least=60) and False
    except CALL_ERRORS as error:
        return row.postpone(str(error) or type(error).__name__) and False
    if answer.is_success:
        return row.done(next_due=timezone.now(), returned=kept.size, returned_at=now)
    wait = _NOT_WANTED_SECONDS if answer.status_code in _NOT_WANTED else 0
    return row.postpone(f"status {answer.status_code}", at_least=wait) and False
