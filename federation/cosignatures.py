"""What peers cosigned of our log: taken from whom we follow, over a checkpoint of ours, served beside our signature.

A cosignature speaks for itself (c2sp.org/tlog-cosignature v1.0.1), so that whoever brings it need not be known.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from federation.known_keys import keys_of, signers
from federation.models import Cosignature, Peer, PeerState
from incidents.checkpoints import note_keys
from incidents.connection import of_public
from incidents.log_models import Checkpoint
from incidents.sequencing import current_keys
from lib import notes
from lib.notes import COSIGNATURE, BadNoteError, open_note, parse_tree_head

log = structlog.get_logger()

PATH = "/federation/cosignature"
MOST_BYTES = 16_000
# By how much a witness's clock may be ahead of ours.
_AHEAD = timedelta(seconds=300)


class BadCosignatureError(ValueError):
    """It cannot be read; the message says why."""


class NotTakenError(ValueError):
    """It is of nobody who is followed here, or not signed by them, or not of our log; the message says which."""


def take(body: bytes) -> bool:
    """Keeps the cosignature in the last line of a checkpoint of ours; False where one as new is kept already.

    Raises BadCosignatureError and NotTakenError.
    """
    try:
        note = body.decode()
        said = notes.last_cosignature(note)
        head = parse_tree_head(note.rpartition("\n\n")[0] + "\n")
    except ValueError as error:
        raise BadCosignatureError(str(error)) from error
    peer = Peer.objects.filter(domain=said.name, state=PeerState.FOLLOWED).first()
    if peer is None:
        raise NotTakenError("this node does not follow the log of whoever signed last")
    _check_signed(peer, note, said)
    _check_ours(peer, note, head.size)
    return _keep(peer, head.size, said)


def lines(size: int) -> list[str]:
    """Of our checkpoint with so many entries, by the peers that this node follows; the newest first."""
    rows = of_public(Cosignature).filter(size=size, peer__state=PeerState.FOLLOWED)
    return list(rows.order_by("-at", "pk").values_list("line", flat=True))


def _check_signed(peer: Peer, note: str, said: notes.Cosignature) -> None:
    text = note.rpartition("\n\n")[0] + "\n"
    keys = (replace(key, name=peer.domain, kind=COSIGNATURE) for key in signers(peer, keys_of(peer)))
    try:
        open_note(f"{text}\n{said.line}", keys)
    except BadNoteError as error:
        raise NotTakenError(str(error)) from error
    if said.at > (timezone.now() + _AHEAD).timestamp():
        raise NotTakenError("the cosignature is of a time to come")


def _check_ours(peer: Peer, note: str, size: int) -> None:
    # A replica may not have the newest yet.
    kept = Checkpoint.objects.using(DEFAULT_DB_ALIAS).filter(size=size).first()
    if kept and note.startswith(kept.note.rpartition("\n\n")[0] + "\n\n"):
        return
    if kept and _is_signed_by_us(note):
        log.error("our key signed a checkpoint that is not of our log", witness=peer.domain, note=note)
    raise NotTakenError("what is cosigned is no checkpoint of this node's log")


def _is_signed_by_us(note: str) -> bool:
    keys = current_keys()
    try:
        return bool(open_note(note, note_keys(keys) if keys else []))
    except BadNoteError:
        return False


@transaction.atomic
def _keep(peer: Peer, size: int, said: notes.Cosignature) -> bool:
    Peer.objects.select_for_update(no_key=True).get(pk=peer.pk)
    at = datetime.fromtimestamp(said.at, UTC)
    kept = Cosignature.objects.filter(peer=peer).first()
    if kept and (kept.size, kept.at) >= (size, at):
        return False
    Cosignature.objects.update_or_create(peer=peer, defaults={"size": size, "line": said.line, "at": at})
    return True
