"""What the world may know of whom this node follows: not how it judges them, nor what it puts aside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from federation.models import Peer, PeerState
from incidents.connection import of_public
from incidents.publishing import instant
from incidents.reader import PUBLIC_COLUMNS


@dataclass(frozen=True)
class PublicPeer:
    """A node and its log: `size` entries kept here, `lag` entries of its last checkpoint without effect here yet.

    `has_contradicted_itself` until an operator of this node trusts it again.
    """

    name: str
    origin: str
    state: str
    size: int
    lag: int
    last_exchange: datetime | None
    has_contradicted_itself: bool
    vkey: str
    mirror: str

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "origin": self.origin,
            "state": self.state,
            "size": self.size,
            "lag": self.lag,
            "last_exchange": instant(self.last_exchange) if self.last_exchange else None,
            "contradicted_itself": self.has_contradicted_itself,
            "vkey": self.vkey,
            "mirror": self.mirror,
        }


def public_peers() -> list[PublicPeer]:
    """Whom this node follows or followed, by name."""
    return [_public(peer) for peer in of_public(Peer).order_by("domain").only(*PUBLIC_COLUMNS["federation_peer"])]


def _public(peer: Peer) -> PublicPeer:
    return PublicPeer(
        name=peer.domain,
        origin=peer.origin,
        state=PeerState(peer.state).value,
        size=peer.size,
        lag=peer.lag,
        last_exchange=peer.read_at,
        has_contradicted_itself=peer.distrusted_at is not None,
        vkey=peer.vkey,
        mirror=f"{settings.BASE_URL}/mirror/{peer.origin_digest}",
    )
