"""Other nodes: whom this one follows, what it keeps of their logs, and what became of each entry here."""

from federation.models.mirror import Mirror, Outcome, PulledEntry, PulledHash, PulledObject, Verdict
from federation.models.notices import Notice
from federation.models.peer import Acceptance, Peer, PeerState
from federation.models.runs import Evidence, EvidenceKind, Run, RunState
from federation.models.witnesses import Cosignature, Cosigning

__all__ = [
    "Acceptance",
    "Cosignature",
    "Cosigning",
    "Evidence",
    "EvidenceKind",
    "Mirror",
    "Notice",
    "Outcome",
    "Peer",
    "PeerState",
    "PulledEntry",
    "PulledHash",
    "PulledObject",
    "Run",
    "RunState",
    "Verdict",
]
