"""Personal data in what moderators word: what may be some, what was decided on it, and who looked at what is hidden.

A passage taken out is sealed; in the wording a mark stands in its place from then on, and whenever the case is saved
every new occurrence of it gets the mark too. So nothing that is shown, searched or published holds the passage, and a
mark survives any edit of the sentence around it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import Max

from lib.seal import UnreadableSealError, seal, unseal
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.models import LIVE, Case, Contact, LeaveReason, Redaction, Report
from reports.redaction import Passage, UnfitPassageError, for_readers, holds, masked, passage, redacted, same
from reports.suggestions import MEANINGS, Category, Suggestion, suggest

MOST_REPORTS = 100
_AROUND = 60
VIEW_UNREDACTED = "reports.view_unredacted"


@dataclass(frozen=True)
class Wording:
    """One column of public wording. `place` is what a moderator calls it."""

    row: Any
    column: str
    place: str

    @property
    def text(self) -> str:
        """As it stands."""
        return str(getattr(self.row, self.column))


@dataclass(frozen=True)
class Undecided:
    """A suggestion that waits: `before` and `after` are what stands around its first occurrence."""

    suggestion: Suggestion
    place: str
    before: str
    after: str

    @property
    def key(self) -> str:
        """What a form sends to mean it."""
        named = f"{self.suggestion.category} {self.suggestion.text}"
        return blake2b(named.encode(), digest_size=12).hexdigest()


# --- What is to be decided -------------------------------------------------------------------------------------------
def undecided(case: Case) -> list[Undecided]:
    """Suggestions on the wording as it is saved that nobody has taken out or left, in the order of the page."""
    left, taken = passages(case, taken_out=False), passages(case)
    contacts = contacts_of(case.reports.order_by("pk")[:MOST_REPORTS])
    found: dict[Suggestion, Undecided] = {}
    for wording in _wordings(case):
        text = redacted(wording.text, taken)
        for suggestion in suggest(text, contacts=contacts):
            if not any(same(suggestion.text, one.text) for one in left):
                found.setdefault(suggestion, _in_context(suggestion, wording.place, text))
    return list(found.values())


def problems(case: Case) -> list[str]:
    """What keeps the case from being published: one sentence for each suggestion nobody has decided on."""
    locked = any(_opened(row) is None for row in case.redactions.all())
    sealed = ["no key of this node opens what was taken out: give it the key that sealed it"] if locked else []
    return sealed + [
        f"the {one.place} may hold {MEANINGS[one.suggestion.category]}: take it out, or say why it stays"
        for one in undecided(case)
    ]


def passages(case: Case, *, taken_out: bool = True) -> list[Passage]:
    """What was taken out of the case's wording, or what was left in it; without what no key opens (see `problems`)."""
    rows = [row for row in case.redactions.all() if bool(row.left_because) != taken_out]
    return [opened for row in rows if (opened := _opened(row))]


def _opened(row: Redaction) -> Passage | None:
    try:
        return Passage(row.number, row.category, unseal(bytes(row.sealed)))
    except UnreadableSealError:
        return None


def contacts_of(reports: Iterable[Report]) -> list[str]:
    """How these reporters can be reached, for comparing only. A seal no key opens says nothing."""
    found = []
    for contact in Contact.objects.filter(report__in=[report.pk for report in reports]):
        try:
            found.append(unseal(bytes(contact.sealed)))
        except UnreadableSealError:
            continue
    return found


def _wordings(case: Case) -> Iterator[Wording]:
    for column in ("title", "summary", "description"):
        yield Wording(case, column, column)
    for excerpt in case.excerpts.all():
        yield Wording(excerpt, "prompt", "prompt of an excerpt")
        yield Wording(excerpt, "output", "answer of an excerpt")
    for model in case.models.order_by("pk"):
        yield Wording(model, "name", "name of a model")
        yield Wording(model, "note", "note on a model")
    for reference in case.references.order_by("pk"):
        yield Wording(reference, "title", "title of a reference")
        yield Wording(reference, "publisher", "publisher of a reference")


def _in_context(suggestion: Suggestion, place: str, text: str) -> Undecided:
    at = text.index(suggestion.text)
    before, after = text[:at], text[at + len(suggestion.text) :]
    return Undecided(suggestion, place, before[-_AROUND:], after[:_AROUND])


# --- Decisions -------------------------------------------------------------------------------------------------------
@transaction.atomic
def redact(*, case: Case, by: Actor, category: Category, text: str) -> Redaction:
    """Takes a passage out of the case's wording, wherever it stands in it.

    Raises NotReadyError where it stands nowhere or cannot be taken out.
    """
    case = _locked(case, by)
    try:
        taken = passage(_next_number(case), category, text)
    except UnfitPassageError as error:
        raise NotReadyError([str(error)]) from error
    if not any(holds(wording.text, taken) for wording in _wordings(case)):
        raise NotReadyError(["this is nowhere in the wording: nothing was taken out"])
    case.redactions.filter(pk__in=_left_as(case, taken.text)).delete()
    row = _keep(case, taken)
    hide(case)
    record_activity(by, "redact", case=case, note=str(row))
    return row


@transaction.atomic
def leave(*, case: Case, by: Actor, suggestion: Suggestion, reason: LeaveReason) -> Redaction:
    """Says why something that looks like personal data stays readable."""
    case = _locked(case, by)
    case.redactions.filter(pk__in=_left_as(case, suggestion.text)).delete()
    row = _keep(case, Passage(_next_number(case), suggestion.category, suggestion.text), left_because=reason)
    record_activity(by, "leave readable", case=case, note=f"{row}: {reason.label}")
    return row


@transaction.atomic
def lift(*, case: Case, by: Actor, number: int) -> None:
    """Puts a passage back where its marks are. It may be suggested again."""
    require(by, VIEW_UNREDACTED)
    case = _locked(case, by)
    taken = next((one for one in passages(case) if one.number == number), None)
    if taken is None:
        raise WrongStateError(f"case {case.pk} has no redaction {number}")
    case.redactions.filter(number=number).delete()
    for wording in _wordings(case):
        _write(wording, wording.text.replace(taken.mark, taken.text))
    record_activity(by, "lift redaction", case=case, note=f"{taken.category} {number}")


def hide(case: Case) -> None:
    """Gives every occurrence of what was taken out its mark, in the case's rows as they are saved."""
    taken = passages(case)
    for wording in _wordings(case) if taken else ():
        _write(wording, redacted(wording.text, taken))


def hidden(case: Case, text: str) -> str:
    """`text` as the public may read it: without what was taken out of the case."""
    return for_readers(redacted(text, passages(case)))


def _write(wording: Wording, text: str) -> None:
    if text != wording.text:
        longest = wording.row._meta.get_field(wording.column).max_length  # noqa: SLF001 - Django's public name for it
        if longest and len(text) > longest:
            raise NotReadyError([f"with its marks the {wording.place} is longer than {longest} characters: shorten it"])
        setattr(wording.row, wording.column, text)
        wording.row.save(update_fields=[wording.column])


def _locked(case: Case, by: Actor) -> Case:
    require(by, "reports.decide")
    row = Case.objects.select_for_update().get(pk=case.pk)
    refuse_conflict(by, case=row)
    if row.state not in LIVE:
        raise WrongStateError(f"case {row.pk} is {row.get_state_display().lower()}; its wording is final")
    return row


def _next_number(case: Case) -> int:
    return int(case.redactions.aggregate(last=Max("number"))["last"] or 0) + 1


def _keep(case: Case, taken: Passage, left_because: str = "") -> Redaction:
    return Redaction.objects.create(
        case=case, number=taken.number, category=taken.category, sealed=seal(taken.text), left_because=left_because
    )


def _left_as(case: Case, text: str) -> list[int]:
    opened = ((row.pk, _opened(row)) for row in case.redactions.exclude(left_because=""))
    return [pk for pk, left in opened if left and same(left.text, text)]


# --- Looking ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def reveal(*, case: Case, by: Actor) -> list[Passage]:
    """What was taken out of a case's wording; that `by` looked is recorded."""
    require(by, VIEW_UNREDACTED)
    refuse_conflict(by, case=case)
    record_activity(by, "view redacted", case=case)
    return passages(case)


@transaction.atomic
def original_of(*, report: Report, by: Actor) -> str:
    """A report's text exactly as it was sent; that `by` looked is recorded."""
    require(by, VIEW_UNREDACTED)
    refuse_conflict(by, report=report)
    record_activity(by, "view original", report=report)
    return report.text


def problems_in(case: Case, text: str, place: str) -> list[str]:
    """What keeps a text that becomes public beside the case's wording from it: a sentence for each suggestion in it."""
    left = passages(case, taken_out=False)
    contacts = contacts_of(case.reports.order_by("pk")[:MOST_REPORTS])
    found = suggest(redacted(text, passages(case)), contacts=contacts)
    return [
        f"the {place} may hold {MEANINGS[one.category]} (“{one.text}”): write it without"
        for one in found
        if not any(same(one.text, passage.text) for passage in left)
    ]


def readable(report: Report) -> tuple[str, str]:
    """Title and text of a report as moderators read it: cleaned, and what may be personal data masked."""
    contacts = contacts_of([report])
    return masked(report.title, contacts), masked(report.text, contacts)
