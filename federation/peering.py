"""Whom this node follows: an operator names a log and the key that its operators gave by another way."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from federation.models import Acceptance, Peer, PeerState
from incidents.log_copy import BadCopyError, LogCopy
from lib.canonical import digest
from lib.notes import BadNoteError, NoteKey, parse_key
from lib.wake import wake

_DOCUMENT = ".well-known/faultline.json"
_MOST_BYTES = 1_000_000


class PeeringError(ValueError):
    """It cannot be followed so; the message says why."""


def add(*, vkey: str, node: str = "", log: str = "", acceptance: str = Acceptance.MODERATE) -> Peer:
    """Follows the log whose key that is: `node` is where its node answers, `log` the prefix of its log or of a mirror.

    One of the two is enough. A peer that was removed is followed on from where it was read to. Raises PeeringError.
    """
    key = _key(vkey)
    node_address, log_address = _address(node), _address(log)
    if not node_address and not log_address:
        raise PeeringError("say where the node answers, or where its log or a mirror of it lies")
    log_address = log_address or _stated_log(node_address, key)
    with transaction.atomic():
        peer = Peer.objects.select_for_update().filter(origin=key.name).first()
        if peer and peer.state != PeerState.REMOVED:
            raise PeeringError(f"{peer.domain} is a peer already")
        if peer and peer.vkey != str(key):
            raise PeeringError(f"{peer.domain} was followed by another key: {peer.vkey}")
        peer = peer or Peer(origin=key.name, origin_digest=digest(key.name.encode()), vkey=str(key))
        peer.domain = key.name.removesuffix("/log")
        peer.node_address, peer.log_address = node_address, log_address
        peer.state, peer.acceptance = PeerState.FOLLOWED, acceptance
        peer.due_at, peer.parked_at, peer.attempts, peer.strikes, peer.last_error = timezone.now(), None, 0, 0, ""
        peer.licences = peer.licences or ["CC-BY-4.0"]
        peer.save()
        wake("peer added")
    return peer


@dataclass(frozen=True)
class Introduction:
    """What a key says, and what the node behind an address says of itself, to compare before the key is pinned.

    `fingerprint` is the SHA-256 of the 32 bytes of the key; `stated_vkey` the one that the node names now, or "".
    """

    key: NoteKey
    domain: str
    fingerprint: str
    title: str
    contact: str
    stated_vkey: str

    @property
    def is_stated(self) -> bool:
        """Whether the node names the same key."""
        return self.stated_vkey == str(self.key)


def introduce(*, vkey: str, node: str) -> Introduction:
    """What an operator compares before following a node; nothing is kept. Raises PeeringError."""
    key, address = _key(vkey), _address(node)
    if not address:
        raise PeeringError("say where the node answers")
    _stated_log(address, key)
    stated = _node_document(address)
    title, contact = str(stated.get("title", "")), str(stated.get("contact", ""))
    stated_vkey = str(stated["log"].get("vkey") or "")
    return Introduction(
        key, key.name.removesuffix("/log"), digest(key.public), title[:200], contact[:200], stated_vkey[:400]
    )


def set_policy(
    peer: Peer,
    *,
    acceptance: str,
    by_category: Mapping[str, str],
    licences: Iterable[str],
    most_entries: int,
    most_object_bytes: int,
) -> None:
    """What is taken of it from now on; what is shown or waits already stays as it is."""
    changes = {
        "acceptance": acceptance,
        "acceptance_by_category": dict(by_category),
        "licences": list(licences),
        "most_entries": most_entries,
        "most_object_bytes": most_object_bytes,
    }
    Peer.objects.filter(pk=peer.pk).update(**changes)
    peer.refresh_from_db()


def pause(domain: str) -> Peer:
    """Follows it no further for the time being. Raises PeeringError."""
    return _set(domain, PeerState.PAUSED)


def resume(domain: str) -> Peer:
    """Follows it again, at once. Raises PeeringError."""
    peer = _set(domain, PeerState.FOLLOWED)
    pull_now(peer)
    return peer


def remove(domain: str) -> Peer:
    """Follows it no more. What was kept and shown of it stays, with its origin. Raises PeeringError."""
    return _set(domain, PeerState.REMOVED)


def trust_again(domain: str) -> Peer:
    """Shows its records by itself again, once an operator has looked into a contradiction. Raises PeeringError."""
    peer = find(domain)
    Peer.objects.filter(pk=peer.pk).update(distrusted_at=None)
    peer.refresh_from_db()
    return peer


def pull_now(peer: Peer) -> None:
    """Asks it at the next moment that a worker has."""
    with transaction.atomic():
        peer.retry_now()
        wake("peer added")


def find(domain: str) -> Peer:
    """The peer of that name. Raises PeeringError."""
    peer = Peer.objects.filter(domain=domain).first()
    if peer is None:
        raise PeeringError(f"{domain} is no peer")
    return peer


def _set(domain: str, state: PeerState) -> Peer:
    peer = find(domain)
    if peer.state == PeerState.REMOVED and state is not PeerState.REMOVED:
        raise PeeringError(f"{domain} was removed; add it again")
    Peer.objects.filter(pk=peer.pk).update(state=state)
    peer.refresh_from_db()
    return peer


def _key(vkey: str) -> NoteKey:
    try:
        key = parse_key(vkey)
    except BadNoteError as error:
        raise PeeringError(f"{error}") from error
    if not key.name.endswith("/log") or len(key.name) > 257:  # noqa: PLR2004 - a domain name and /log
        raise PeeringError("this is no key of a node's log: the name in it does not end in /log")
    if key.name == settings.LOG_ORIGIN:
        raise PeeringError("this is the key of this node's own log")
    return key


def _address(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise PeeringError(f"{text[:200]} is no address that begins with https://")
    return text.rstrip("/")


def _stated_log(node_address: str, key: NoteKey) -> str:
    """Where the node says that its log lies; on another host it must be given by hand."""
    stated = _node_document(node_address)["log"]
    origin, address = stated["origin"], _address(str(stated["address"]))
    if origin != key.name:
        raise PeeringError(f"the node there keeps the log {str(origin)[:200]}, and the key is one of {key.name}")
    if urlsplit(address)[:2] != urlsplit(node_address)[:2]:
        raise PeeringError(f"its log lies on another host, {address[:200]}: give that address, too, if it is right")
    return address


def _node_document(node_address: str) -> dict[str, Any]:
    """What the node says of itself; its log has an origin and an address. Raises PeeringError."""
    try:
        content = LogCopy(node_address, seconds=settings.PEER_TIMEOUT_SECONDS, most_bytes=_MOST_BYTES).get(_DOCUMENT)
        stated: dict[str, Any] = json.loads(content)
        stated["log"]["origin"], stated["log"]["address"]
    except BadCopyError as error:
        raise PeeringError(f"the node does not answer: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PeeringError(f"{node_address}/{_DOCUMENT} is no node document") from error
    return stated
