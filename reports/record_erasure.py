"""Erasing a public record, and the case it came from: for good, by two people (`reports.second_person`).

The reports of the case are not touched: what people sent is erased by its own verb (`reports.erasure`).
"""

from django.db import transaction

from incidents import publishing
from incidents.models import Publication
from incidents.publishing import ErasureReason
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity
from reports.erasure import empty_case
from reports.models import Case, CaseState, Fingerprint
from reports.workflow import check_move

REASONS = {
    ErasureReason.PERSON.value: "A person whom it names asked for it",
    ErasureReason.UNLAWFUL.value: "It must not be kept by law",
}


@transaction.atomic
def erase(*, case: Case, by: Actor, reason: str) -> Publication:
    """Leaves nothing of the record but its entries in the log. `reason`, one of REASONS, is public."""
    if reason not in REASONS:
        raise NotReadyError(["to erase a record, choose one of the reasons: it is public"])
    case = Case.objects.select_for_update().get(pk=case.pk)
    check_move("erase", case=case, by=by)
    if case.incident is None:
        raise WrongStateError(f"case {case.pk} was never published")
    publication = publishing.erase(case.incident.public_id, reason=ErasureReason(reason))
    Fingerprint.objects.filter(incident=case.incident).delete()
    empty_case(case)
    before, case.state = case.state, CaseState.ERASED
    case.save(update_fields=["state"])
    record_activity(by, "erase", case=case, before=before, after=case.state, note=f"#{publication.number} {reason}")
    return publication
