"""Which model on a hub a name means: confirmed once by a moderator, remembered for imports and for reports."""

from django.db import transaction
from django.utils import timezone

from catalogue import naming, references
from catalogue.hub import Reference
from reports.actors import Actor, WrongStateError, record_activity, require
from reports.models import UNDECIDED, CaseModel, CaseState, NamedModel, NameMatch, Report


def key_of(name: str) -> str:
    """What two spellings of one name share: letter case and spacing aside."""
    return " ".join(name.split()).casefold()[:300]


def known(name: str) -> Reference | None:
    """The model that a moderator said the name is; None where nobody did."""
    match = NameMatch.objects.filter(key=key_of(name)).exclude(alias=None).select_related("alias").first()
    return Reference(match.alias.hub, match.alias.name) if match and match.alias else None


def remember_names(*, report: Report, found_in: str) -> int:
    """Puts the report's names that lead to no hub into the queue of matches; how many are new there."""
    names = report.named_models.filter(alias=None).order_by("pk").values_list("asked", flat=True)
    rows = {key_of(name): NameMatch(key=key_of(name), name=name[:300], found_in=found_in[:200]) for name in names}
    before = NameMatch.objects.filter(key__in=rows).count()
    NameMatch.objects.bulk_create(rows.values(), ignore_conflicts=True)
    return len(rows) - before


@transaction.atomic
def confirm(*, match: NameMatch, model: str, by: Actor) -> NameMatch:
    """From now on the name is that model, given as anybody names one. Undecided reports and open cases follow.

    Raises UnreadableReferenceError for what names no model on a hub, and WrongStateError where it names a revision.
    """
    row = _undecided(match, by)
    reference = references.read(model)
    if reference.revision or reference.file:
        raise WrongStateError("a name means a whole model: leave out the revision and the file")
    row.alias = naming.name_model(reference)
    _decide(row, by)
    named = NamedModel.objects.filter(alias=None, report__state__in=UNDECIDED, asked__iexact=row.name)
    named.update(alias=row.alias, problem="")
    waiting = CaseModel.objects.filter(alias=None, case__state=CaseState.OPEN, name__iexact=row.name)
    waiting.update(alias=row.alias, name="")
    record_activity(by, "match name", note=f"{row.name}: {row.alias.hub} {row.alias.name}")
    return row


@transaction.atomic
def leave(*, match: NameMatch, by: Actor) -> NameMatch:
    """The name stays a name: it is on no hub, or too wide to mean one model."""
    row = _undecided(match, by)
    _decide(row, by)
    record_activity(by, "leave name", note=row.name)
    return row


@transaction.atomic
def ask_again(*, match: NameMatch, by: Actor) -> NameMatch:
    """Takes a decision back, for what comes from now on; what followed it keeps its model."""
    require(by, "reports.decide")
    row = NameMatch.objects.select_for_update().get(pk=match.pk)
    row.alias = row.decided_at = row.decided_by = None
    row.save(update_fields=["alias", "decided_at", "decided_by"])
    record_activity(by, "ask name again", note=row.name)
    return row


def _undecided(match: NameMatch, by: Actor) -> NameMatch:
    require(by, "reports.decide")
    row = NameMatch.objects.select_for_update().get(pk=match.pk)
    if row.decided_at:
        raise WrongStateError(f"{row.name} is decided already")
    return row


def _decide(row: NameMatch, by: Actor) -> None:
    row.decided_at, row.decided_by_id = timezone.now(), by.pk
    row.save(update_fields=["alias", "decided_at", "decided_by"])
