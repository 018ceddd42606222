"""The words that reporters choose from and read which are data, in the language of the page.

`reports.structure` and the labels of `reports.models` stay English for the API and the console.
"""

from collections.abc import Iterator
from enum import StrEnum

from django.utils.functional import Promise, lazy
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy, pgettext

from incidents.record import Severity
from reports.models import MessageKind, RejectReason, StatementState
from reports.structure import MEANINGS
from website.vocabulary import code_words, meaning

Choice = tuple[str, str | Promise]


def choices(vocabulary: type[StrEnum]) -> list[Choice]:
    """The codes of a vocabulary of reports, each with what it means."""
    return [(code, gettext_lazy(words)) for code, words in MEANINGS[vocabulary].items()]


def severities() -> list[Choice]:
    """The levels of severity, each with its meaning."""
    return [(level.value, _severity(level)) for level in Severity]


def standing(state: str) -> str:
    """Where a publisher's statement stands."""
    return pgettext("statement", StatementState(state).label)


def _level(level: str) -> str:
    return f"{capfirst(code_words(level, 'severity'))}: {meaning(level, 'severity')}"


_severity = lazy(_level, str)


def vocabulary_words() -> Iterator[tuple[str | None, str, str]]:
    """(context, words, the file that they stand in) of all that this module translates."""
    for meanings in MEANINGS.values():
        for text in meanings.values():
            yield None, text, "reports/structure.py"
    for kind in MessageKind:
        yield None, kind.label, "reports/models/message.py"
    for reason in RejectReason:
        yield None, reason.label, "reports/models/report.py"
    for state in StatementState:
        yield "statement", state.label, "reports/models/reply.py"
