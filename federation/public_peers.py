"""What the world may know of whom this node follows: not how it judges them, nor what it puts aside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from federation import cosignatures
from federation.models import Cosignature, Peer, PeerState
from incidents import checkpoints
from incidents.connection import of_public
from incidents.publishing import instant
from incidents.reader import PUBLIC_COLUMNS


@dataclass(frozen=True)
class PublicPeer:
    """A node and its log: `size` entries kept here, `lag` entries of its last checkpoint without effect here yet.

    `cosigned` is the size of the last checkpoint of our own log that it cosigned, 0 for none, `cosigned_at` when.
    `has_contradicted_itself` until an operator of this node trusts it again.
    """

    name: str
    origin: str
    state: str
    size: int
    lag: int
    cosigned: int
    cosigned_at: datetime | None
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
            "cosigned": self.cosigned,
            "cosigned_at": instant(self.cosigned_at) if self.cosigned_at else None,
            "last_exchange": instant(self.last_exchange) if self.last_exchange else None,
            "contradicted_itself": self.has_contradicted_itself,
            "vkey": self.vkey,
            "mirror": self.mirror,
        }


def public_peers() -> list[PublicPeer]:
    """Whom this node follows or followed, by name."""
    cosigned = {one.peer_id: one for one in of_public(Cosignature).only("peer", "size", "at")}
    peers = of_public(Peer).order_by("domain").only(*PUBLIC_COLUMNS["federation_peer"])
    return [_public(peer, cosigned.get(peer.pk)) for peer in peers]


def witnesses() -> int:
    """How many of them cosigned our last checkpoint."""
    last = checkpoints.latest(using=settings.PUBLIC_READS)
    return len(cosignatures.lines(last.size)) if last else 0


def _public(peer: Peer, cosigned: Cosignature | None) -> PublicPeer:
    return PublicPeer(
        name=peer.domain,
        origin=peer.origin,
        state=PeerState(peer.state).value,
        size=peer.size,
        lag=peer.lag,
        cosigned=cosigned.size if cosigned else 0,
        cosigned_at=cosigned.at if cosigned else None,
        last_exchange=peer.read_at,
        has_contradicted_itself=peer.distrusted_at is not None,
        vkey=peer.vkey,
        mirror=f"{settings.BASE_URL}/mirror/{peer.origin_digest}",
    )
