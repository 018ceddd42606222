"""What takes two people, as one table, and who the second may be."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from incidents.record import Severity
from incidents.taxonomy import with_descendants
from reports.actors import NotAllowedError
from reports.models import Activity, Case

BACKDOOR = "backdoor"
_GRAVE = frozenset({Severity.HIGH, Severity.CRITICAL})
# What makes somebody an author of a case.
_WORDS_IT = ("edit", "open", "group", "merge", "split")
_WORDED = frozenset({"publish", "correct"})


@dataclass(frozen=True)
class Rule:
    """Where one person is not enough: for which verbs, on which cases, and the reason they read."""

    verbs: frozenset[str]
    reason: str
    applies: Callable[[Case], bool]


def _is_grave(case: Case) -> bool:
    """As worded, or as the public reads it now: making it milder is as grave as making it worse."""
    return bool({case.severity, case.incident.severity if case.incident else ""} & _GRAVE)


def _accuses_of_a_backdoor(case: Case) -> bool:
    return bool({case.category, case.incident.category if case.incident else ""} & set(with_descendants(BACKDOOR)))


def _always(_case: Case) -> bool:
    return True


RULES = (
    Rule(_WORDED, "the severity is high or critical", _is_grave),
    Rule(_WORDED, "it names a natural person", lambda case: case.names_person),
    Rule(_WORDED, "it accuses a model of a backdoor", _accuses_of_a_backdoor),
    Rule(frozenset({"withdraw"}), "a withdrawal is final", _always),
    Rule(frozenset({"merge"}), "a public record is withdrawn in favour of another", _always),
    Rule(frozenset({"lift embargo"}), "an embargo ends early only if two people agree", _always),
    Rule(frozenset({"extend embargo"}), "an embargo is extended only if two people agree", _always),
    Rule(frozenset({"erase"}), "what is erased cannot be brought back", _always),
)


def needs_second(case: Case, verb: str) -> list[str]:
    """Why this takes a second person, as clauses; empty where one is enough."""
    return [rule.reason for rule in RULES if verb in rule.verbs and rule.applies(case)]


def refuse_second(by: User, *, first: User, case: Case) -> None:
    """Raises NotAllowedError for whoever asked, worded the case or took a report into it."""
    if by.pk == first.pk:
        raise NotAllowedError("You asked for it yourself: it takes a second person.")
    worded = Activity.objects.filter(case=case, verb__in=_WORDS_IT, actor=by)
    if worded.exists():
        raise NotAllowedError("You worded this case or took a report into it: it takes somebody who did neither.")
