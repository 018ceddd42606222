"""Following other nodes: a log is asked when its row is due, read as far as it goes, and takes effect here.

Asking and finding nothing new writes no row but the next time to ask. A node that does not answer is asked ever more
rarely, and its log meanwhile read from the mirrors that other peers keep of it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from federation import applying, following, retrying
from federation.following import ContradictionError, PassedOnError
from federation.models import Peer, PeerState, Run, RunState, Verdict
from incidents.log_copy import BadCopyError, LogCopy
from lib.due import lease_next
from lib.wake import wake

log = structlog.get_logger()

# After so long a worker lets others have the rest of a long log.
SECONDS_AT_ONCE = 90.0
_ASIDE = {Verdict.QUARANTINED.value, Verdict.VOID.value}


@dataclass
class _Going:
    """A run as it goes."""

    peer: Peer
    started_at: datetime
    first: int
    until: float
    via: str = ""
    unreached: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    is_unfinished: bool = False

    @property
    def is_over_time(self) -> bool:
        return monotonic() >= self.until


def pull_due() -> int:
    """Follows every peer that is due; how many. Safe in any number of workers at once."""
    followed = 0
    while lease := lease_next(Peer.objects.filter(state=PeerState.FOLLOWED)):
        followed += 1
        pull(lease)
    return followed


def pull_alone(peer: Peer) -> Run | None:
    """Asks a peer now, whenever it is due, unless another worker does; as `pull`."""
    peer.retry_now()
    lease = lease_next(Peer.objects.filter(pk=peer.pk))
    return pull(lease) if lease else None


def pull(peer: Peer) -> Run | None:
    """Reads on in a leased peer's log and ends the lease; the run, or None where there was nothing new."""
    going = _Going(peer, timezone.now(), peer.applied, monotonic() + SECONDS_AT_ONCE)
    try:
        error = _go(going)
    except PassedOnError:
        return None
    except Exception as raised:
        log.exception("following a peer failed", peer=peer.domain)
        peer.fail(type(raised).__name__)
        return None
    if error:
        run = _ended(going, RunState.FAILED, error)
        peer.postpone(error)
        return run
    peer.done(next_due=_next_due(going), read_at=timezone.now())
    if going.unreached:  # its log came from a mirror, and operators should know
        Peer.objects.filter(pk=peer.pk).update(last_error=going.unreached[:500])
    return _ended(going, _state(going))


def _go(going: _Going) -> str:
    """Reads and applies; what could not be read, or "". Raises PassedOnError."""
    error = ""
    try:
        _read(going)
    except (BadCopyError, ContradictionError) as raised:
        error = str(raised)
    _apply(going)
    if going.counts:
        seconds = settings.PEER_TIMEOUT_SECONDS
        retrying.fetch_missing(going.peer, addresses(going.peer), seconds=seconds)
    return error


def _next_due(going: _Going) -> datetime:
    if going.is_unfinished:
        with transaction.atomic():
            wake("peers left over")
        return timezone.now()
    return timezone.now() + timedelta(seconds=settings.PEER_PULL_SECONDS)


def _state(going: _Going) -> RunState:
    if applying.held(going.peer):
        return RunState.HELD
    return RunState.PARTIAL if _ASIDE & going.counts.keys() else RunState.SUCCESS


def _read(going: _Going) -> None:
    """Keeps what is new, from the first copy that has it. Raises BadCopyError: that of the first copy."""
    failed: BadCopyError | None = None
    for address in addresses(going.peer):
        try:
            _read_copy(going, LogCopy(address, seconds=settings.PEER_TIMEOUT_SECONDS))
        except BadCopyError as error:
            failed = failed or error
        else:
            going.unreached = str(failed or "")
            return
    raise failed or BadCopyError("there is no address to read it from")


def addresses(peer: Peer) -> Iterator[str]:
    """Where its log may be read: at its own address, then in the mirrors that other peers keep."""
    yield peer.log_address
    others = Peer.objects.filter(state=PeerState.FOLLOWED).exclude(pk=peer.pk).exclude(node_address="")
    for node_address in others.order_by("domain").values_list("node_address", flat=True):
        mirrored = f"{node_address}/mirror/{peer.origin_digest}"
        if mirrored != peer.log_address:
            yield mirrored


def _read_copy(going: _Going, copy: LogCopy) -> None:
    peer, read = going.peer, 0
    reading = following.open_copy(peer, copy)
    while read < peer.most_entries and not going.is_over_time:
        if not (got := following.read_on(peer, reading)):
            return
        going.via, read = copy.address, read + got
        _renew(peer)
    going.is_unfinished = peer.size < reading.head.size


def _apply(going: _Going) -> None:
    """Lets what is kept take effect, unless an operator must decide first."""
    peer = going.peer
    if applying.held(peer):
        return
    if applying.is_held_back(peer):
        _hold(going)
        return
    while not going.is_over_time:
        if not (counts := applying.apply_next(peer)):
            return
        going.counts += counts
        _renew(peer)
    going.is_unfinished = True


def _hold(going: _Going) -> None:
    peer = going.peer
    withdrawals = len(applying.withdrawals_due(peer))
    Run.objects.create(
        peer=peer,
        state=RunState.HELD,
        via=going.via,
        first=peer.applied,
        end=peer.size,
        withdrawals=withdrawals,
        started_at=going.started_at,
        ended_at=timezone.now(),
    )
    log.error("a peer's withdrawals wait for an operator", peer=peer.domain, withdrawals=withdrawals)


def _renew(peer: Peer) -> None:
    if peer.leased_until and not peer.renew():
        raise PassedOnError(peer.domain)


def _ended(going: _Going, state: RunState, error: str = "") -> Run | None:
    """The row of a run that brought something or failed; of failures in a row that are the same, one."""
    peer, now = going.peer, timezone.now()
    last = Run.objects.filter(peer=peer).first()
    if state is RunState.HELD and not going.counts:
        return last
    if state is RunState.FAILED and last and last.state == state and last.error == error[:500] and not going.counts:
        Run.objects.filter(pk=last.pk).update(ended_at=now)
        return last
    if not going.counts and not error:
        return None
    if state is RunState.FAILED:
        log.warning("a peer's log cannot be read", peer=peer.domain, error=error)
    return Run.objects.create(
        peer=peer,
        state=RunState.PARTIAL if state is RunState.HELD else state,
        via=going.via,
        first=going.first,
        end=peer.applied,
        counts=dict(going.counts),
        error=error[:500],
        started_at=going.started_at,
        ended_at=now,
    )
