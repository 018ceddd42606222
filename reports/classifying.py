"""Classifying cases in published taxonomies, beside our own category: what a curator may do, and nothing more."""

from collections.abc import Iterable

from django.db import transaction

from reports import release
from reports.actors import Actor, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import LIVE, Case, CaseClassification

PERMISSION = "reports.classify"
MOST_TERMS = 50


@transaction.atomic
def classify(*, case: Case, by: Actor, add: Iterable[str] = (), drop: Iterable[int] = ()) -> None:
    """Adds terms (`taxonomy code`) that the case has not, and drops rows; what is public stays until `correct`.

    What was about to be released is cancelled by it, as by any change of what was approved.
    """
    require(by, PERMISSION)
    row = Case.objects.select_for_update().get(pk=case.pk)
    refuse_conflict(by, case=row)
    if row.state not in LIVE:
        raise WrongStateError(f"case {row.pk} is {row.get_state_display().lower()}; it cannot be classified now")
    dropped = row.classifications.filter(pk__in=list(drop))
    changed = [f"- {one}" for one in dropped]
    dropped.delete()
    for taxonomy, _, term in (code.partition(" ") for code in add):
        made, is_new = CaseClassification.objects.get_or_create(case=row, taxonomy=taxonomy, term=term)
        changed += [f"+ {made}"] if is_new else []
    if row.classifications.count() > MOST_TERMS:
        raise WrongStateError(f"a case has at most {MOST_TERMS} terms of other taxonomies")
    if changed:
        record_activity(by, "classify", case=row, note=", ".join(changed))
        release.reconsider(case=row, by=by)
