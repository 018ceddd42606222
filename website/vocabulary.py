"""The words of vocabularies that are data, in the language of the page.

Codes, titles and meanings are part of records and of what the API says: they stay English there, and are translated
only where a page shows them. Terms of other taxonomies are quotations, and stay as their makers wrote them.
"""

from collections.abc import Iterator
from enum import StrEnum

from django.utils.translation import gettext, pgettext

from incidents.record import (
    MEANINGS,
    AffectedStatus,
    Confidence,
    EvidenceGrade,
    Kind,
    Match,
    PublisherStatus,
    Severity,
    Status,
)
from incidents.taxonomy import OWN, Term, taxonomies

# By the field of the record that holds one of its codes; the name is the context of the words in the catalogue.
VOCABULARIES: dict[str, type[StrEnum]] = {
    "kind": Kind,
    "severity": Severity,
    "evidence_grade": EvidenceGrade,
    "confidence": Confidence,
    "match": Match,
    "status": Status,
    "affected": AffectedStatus,
    "publisher": PublisherStatus,
}


def code_words(code: str, vocabulary: str) -> str:
    """A code of a vocabulary as words in the language of the page: `not_affected` as "not affected"."""
    return pgettext(vocabulary, code.replace("_", " "))


def meaning(code: str, vocabulary: str) -> str:
    """What a code of a vocabulary means, in a sentence."""
    return gettext(MEANINGS[VOCABULARIES[vocabulary]][code])


def term_title(term: Term, taxonomy: str) -> str:
    """The title of a term: of our own taxonomy in the language of the page, of another as it stands."""
    return gettext(term.title) if taxonomy == OWN else term.title


def vocabulary_words() -> Iterator[tuple[str | None, str, str]]:
    """(context, words, the file that they stand in) of all that this module translates."""
    for name, codes in VOCABULARIES.items():
        for code in codes:
            yield name, code.replace("_", " "), "incidents/record.py"
    for meanings in MEANINGS.values():
        for text in meanings.values():
            yield None, text, "incidents/record.py"
    own = taxonomies()[OWN]
    for text in (own.title, *(text for term in own.terms for text in (term.title, term.definition, term.example))):
        if text:
            yield None, text, "incidents/taxonomies/faultline.json"
