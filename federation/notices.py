"""Notices between nodes: "my log grew", signed. They only make a follower ask at once; what counts is what it reads.

A node that does not answer is told ever more rarely, in a task of its own, so that it holds up nobody. A notice that is
repeated, late or lost changes nothing: the log is asked every minute all the same.
"""

import json

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Least, Now
from django.utils import timezone

from federation.known_keys import keys_of
from federation.models import Notice, Peer, PeerState
from federation.telling import tell
from incidents import checkpoints, keyring
from incidents.guard import LogRefusesError
from incidents.keys import Purpose
from incidents.sequencing import current_keys
from lib.due import lease_next
from lib.http_signatures import BadRequestSignatureError, Message, signed_headers, verify
from lib.limits import asked
from lib.store import key, store
from lib.wake import wake

log = structlog.get_logger()

PATH = "/federation/notice"
TAG = "faultline-notice"
MOST_BYTES = 2_000
_NONCE_SECONDS = 1200


class BadNoticeError(ValueError):
    """It cannot be read; the message says why."""


class NotPeerError(ValueError):
    """It is of nobody who is followed here, or not signed by them; the message says which."""


def tell_due() -> int:
    """Tells every peer that does not know of our last checkpoint, and is due; how many took it.

    Safe in any number of workers at once.
    """
    last = checkpoints.latest()
    if last is None:
        return 0
    _add_missing()
    told = 0
    while row := lease_next(owed()):
        told += _tell(row, last.size)
    return told


def owed() -> QuerySet[Notice]:
    """The peers that do not know of our last checkpoint."""
    last = checkpoints.latest()
    rows = Notice.objects.filter(told__lt=last.size if last else 0, peer__state=PeerState.FOLLOWED)
    return rows.exclude(peer__node_address="")


def _add_missing() -> None:
    missing = Peer.objects.filter(state=PeerState.FOLLOWED, notice=None).exclude(node_address="")
    Notice.objects.bulk_create((Notice(peer=peer) for peer in missing), ignore_conflicts=True)


def _tell(row: Notice, size: int) -> bool:
    address = f"{row.peer.node_address}{PATH}"

    def message() -> tuple[bytes, dict[str, str]]:
        body = json.dumps({"origin": settings.LOG_ORIGIN, "size": size}).encode()
        return body, {"Content-Type": "application/json", **_signed(address, body)}

    now = timezone.now()
    return tell(row, address, message, next_due=now, told=size, told_at=now)


def _signed(address: str, body: bytes) -> dict[str, str]:
    keys = current_keys()
    if keys is None:
        raise LogRefusesError("the log has no keys yet")
    own = keys.in_force(Purpose.HTTP)
    return signed_headers(address, body, private=keyring.require(own), kid=own.kid, tag=TAG)


def take(message: Message, body: bytes) -> bool:
    """Asks a peer's log at once where it has more than was seen of it; whether it does.

    Raises BadNoticeError, and NotPeerError where nobody who is followed signed it.
    """
    origin, size = _read(body)
    peer = Peer.objects.filter(origin=origin, state=PeerState.FOLLOWED).first()
    keys = keys_of(peer) if peer else None
    if peer is None or keys is None:
        raise NotPeerError("this node does not follow that log, or has not read its keys yet")
    own = keys.in_force(Purpose.HTTP)
    try:
        nonce = verify(message, body, keys={own.kid: own.public}, tag=TAG)
    except BadRequestSignatureError as error:
        raise NotPeerError(str(error)) from error
    if size <= peer.seen or not _is_new(peer, nonce):
        return False
    with transaction.atomic():
        # Sooner, and nothing else: what failed before goes on counting.
        Peer.objects.filter(pk=peer.pk, parked_at=None).update(due_at=Least("due_at", Now()))
        wake("peer added")
    return True


def _read(body: bytes) -> tuple[str, int]:
    try:
        said = json.loads(body)
        origin, size = said["origin"], said["size"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadNoticeError("the body is no JSON object with origin and size") from error
    if not isinstance(origin, str) or "\x00" in origin or type(size) is not int or not 0 < size < 2**63:
        raise BadNoticeError("origin is a text and size a whole number above 0")
    return origin, size


def _is_new(peer: Peer, nonce: str) -> bool:
    """Whether this signature was not shown before. Without Redis it counts as new: repeating it wakes, no more."""
    name = key("notice", str(peer.pk), nonce[:100])
    return bool(asked(lambda: store().set(name, "1", nx=True, ex=_NONCE_SECONDS), True))
