"""Looking again at what was put aside: its object may have come somewhere, or this software may know more by now."""

from collections.abc import Iterable

from django.db.models import QuerySet

from federation import applying
from federation.following import is_object
from federation.models import Outcome, Peer, PulledObject, Verdict
from incidents.log_copy import BadCopyError, LogCopy

# Of one run: a log with many gaps is read no slower for it.
MOST_FETCHED = 50


def fetch_missing(peer: Peer, addresses: Iterable[str], *, seconds: float) -> int:
    """Asks the copies of a log for objects that did not come with their entries; how many could be judged again."""
    missing = list(_quarantined(peer).filter(entry__object__body=None).exclude(entry__object__digest="")[:MOST_FETCHED])
    if not missing:
        return 0
    copies = [LogCopy(one, seconds=seconds, most_bytes=peer.most_object_bytes) for one in addresses]
    return sum(_fetch(peer, outcome, copies) for outcome in missing)


def judge_all_again(peer: Peer) -> int:
    """Judges everything in quarantine once more; how many came out of it."""
    waiting = list(_quarantined(peer).select_related("entry"))
    return sum(applying.judge_again(outcome.entry).verdict != Verdict.QUARANTINED for outcome in waiting)


def _quarantined(peer: Peer) -> QuerySet[Outcome]:
    rows = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.QUARANTINED)
    return rows.select_related("entry", "entry__object").order_by("entry__index")


def _fetch(peer: Peer, outcome: Outcome, copies: list[LogCopy]) -> bool:
    wanted = outcome.entry.object.digest
    for copy in copies:
        try:
            text = copy.get(f"object/{wanted}")
        except BadCopyError:
            continue
        if is_object(peer, wanted, text):
            PulledObject.objects.filter(pk=outcome.pk, body=None).update(body=text)
            applying.judge_again(outcome.entry)
            return True
    return False
