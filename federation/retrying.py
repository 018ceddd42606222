"""Looking again at what was put aside: its object may have come somewhere, or this software may know more by now."""

from collections.abc import Iterable

from django.db.models import QuerySet

from federation import applying
from federation.following import is_object
from federation.models import Outcome, Peer, PulledEntry, PulledObject, Verdict
from incidents.log_copy import BadCopyError, LogCopy

# Of one run: a log with many gaps is read no slower for it.
MOST_FETCHED = 50


def fetch_missing(peer: Peer, addresses: Iterable[str], *, seconds: float) -> int:
    """Asks the copies of a log for objects that did not come with their entries; how many could be judged again."""
    missing = list(_quarantined(peer).filter(entry__object__body=None).exclude(entry__object__digest="")[:MOST_FETCHED])
    if not missing:
        return 0
    copies = copies_of(peer, addresses, seconds=seconds)
    # Each at once: one that is kept and not judged would be looked at by nobody.
    return sum(fetch_object(one.entry, copies) and bool(applying.judge_again(one.entry)) for one in missing)


def copies_of(peer: Peer, addresses: Iterable[str], *, seconds: float) -> list[LogCopy]:
    """Where single objects of a log can be asked for."""
    return [LogCopy(one, seconds=seconds, most_bytes=peer.most_object_bytes) for one in addresses]


def fetch_object(entry: PulledEntry, copies: Iterable[LogCopy]) -> bool:
    """Keeps the object of an entry, from the first copy that has it; where none has, what is kept stays as it is."""
    for copy in copies:
        try:
            text = copy.get(f"object/{entry.object_digest}")
        except BadCopyError:
            continue
        if is_object(entry.peer, entry.object_digest, text):
            PulledObject.objects.filter(entry=entry, body=None).update(body=text)
            return True
    return False


def judge_all_again(peer: Peer) -> int:
    """Judges everything in quarantine once more; how many came out of it."""
    waiting = list(_quarantined(peer).select_related("entry"))
    return sum(applying.judge_again(outcome.entry).verdict != Verdict.QUARANTINED for outcome in waiting)


def _quarantined(peer: Peer) -> QuerySet[Outcome]:
    rows = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.QUARANTINED)
    return rows.select_related("entry__peer", "entry__object").order_by("entry__index")
