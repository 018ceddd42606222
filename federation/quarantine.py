"""Entries that were put aside: an operator has them judged once more, or lets them rest."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from federation import applying, pulling
from federation.models import Outcome, PulledEntry, Verdict
from federation.retrying import copies_of, fetch_object
from incidents.leaves import LeafOp


class NotQuarantinedError(ValueError):
    """The entry is not put aside; the message says so."""


def retry(entry: PulledEntry) -> Outcome:
    """Judges an entry that was put aside once more; an object that did not come is asked for before that.

    Raises NotQuarantinedError.
    """
    _refuse_others(entry)
    later = PulledEntry.objects.filter(peer=entry.peer, subject=entry.subject, index__gt=entry.index)
    is_erased = later.filter(op=LeafOp.ERASE).exists()
    if entry.object_digest and entry.object.body is None and not is_erased:
        seconds = settings.PEER_TIMEOUT_SECONDS
        fetch_object(entry, copies_of(entry.peer, pulling.addresses(entry.peer), seconds=seconds))
    entry.refresh_from_db()
    return applying.judge_again(entry)


def dismiss(entry: PulledEntry) -> None:
    """Lets an entry rest: it is passed over, with its reason. Raises NotQuarantinedError."""
    with transaction.atomic():
        outcome = Outcome.objects.select_for_update().filter(entry=entry, verdict=Verdict.QUARANTINED).first()
        if outcome is None:
            raise NotQuarantinedError("the entry is not in quarantine any more")
        outcome.verdict, outcome.at = Verdict.REJECTED, timezone.now()
        outcome.reason = f"by an operator, from quarantine: {outcome.reason}"[:500]
        outcome.save(update_fields=["verdict", "at", "reason"])


def _refuse_others(entry: PulledEntry) -> None:
    if not Outcome.objects.filter(entry=entry, verdict=Verdict.QUARANTINED).exists():
        raise NotQuarantinedError("the entry is not in quarantine any more")
