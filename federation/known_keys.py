"""Which keys count in another node's log, as the entries kept here state it."""

from federation.models import Peer, PulledEntry
from incidents.checkpoints import note_keys
from incidents.keys import KeySet, parse_keys
from incidents.leaves import KEYS, LeafOp, document_in
from lib import jws
from lib.notes import NoteKey


def keys_of(peer: Peer) -> KeySet | None:
    """As its last key event that is kept states them; None before the first."""
    events = PulledEntry.objects.filter(peer=peer, subject=KEYS, op=LeafOp.KEY).select_related("object")
    entry = events.order_by("-index").first()
    if entry is None:
        return None
    payload, _ = jws.read(bytes(entry.object.body or b""))
    return parse_keys(document_in("keys", payload))


def signers(peer: Peer, keys: KeySet | None) -> list[NoteKey]:
    """Who may have signed its checkpoints: the log keys that were not revoked, and the pinned one before any is known.

    The pinned key counts beside them as long as the log has not named it: it may come after what is kept.
    """
    known = note_keys(keys) if keys else []
    named = {key.public for key in keys.keys} if keys else set()
    return known if peer.key.public in named else [*known, peer.key]
