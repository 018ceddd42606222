"""The words of vocabularies that are data, in the language of the page.

Codes, titles and meanings are part of records and of what the API says: they stay English there, and are translated
only where a page shows them. Terms of other taxonomies are quotations, and stay as their makers wrote them.
"""

from collections.abc import Iterator
from enum import StrEnum

from django.utils.translation import gettext, pgettext

from catalogue.filesafety.findings import Danger
from catalogue.openness import Method
from incidents import checking, exposure
from incidents.record import (
    MEANINGS,
    AffectedStatus,
    Confidence,
    EvidenceGrade,
    Kind,
    Match,
    PublisherStatus,
    Record,
    Severity,
    Status,
)
from incidents.taxonomy import OWN, taxonomies

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
    "method": Method,
    "danger": Danger,
}
LANGUAGE_OF_RECORDS = "en"


def code_words(code: str, vocabulary: str) -> str:
    """A code of a vocabulary as words in the language of the page: `not_affected` as "not affected"."""
    return pgettext(vocabulary, code.replace("_", " "))


def meaning(code: str, vocabulary: str) -> str:
    """What a code of a vocabulary means, in a sentence."""
    return gettext(MEANINGS[VOCABULARIES[vocabulary]][code])


def term_text(text: str, taxonomy: str) -> str:
    """What a taxonomy says of a term: our own in the language of the page, another as it stands."""
    return gettext(text) if text and taxonomy == OWN else text


def taxonomy_title(taxonomy: str) -> str:
    """The title of a taxonomy; its id where we do not know it."""
    found = taxonomies().get(taxonomy)
    return term_text(found.title, taxonomy) if found else taxonomy


def vocabulary_words() -> Iterator[tuple[str | None, str, str]]:
    """(context, words, the file that they stand in) of all that this module translates."""
    for name, codes in VOCABULARIES.items():
        yield from ((name, code.replace("_", " "), "incidents/record.py") for code in codes)
    yield from (("field", field.replace("_", " "), "incidents/record.py") for field in Record.model_fields)
    for meanings in MEANINGS.values():
        yield from ((None, text, "incidents/record.py") for text in meanings.values())
    yield from ((None, text, "incidents/checking.py") for text in checking.LEVELS.values())
    yield from ((None, text, "incidents/exposure.py") for text in exposure.WITHHELD)
    own = taxonomies()[OWN]
    texts = [own.title, *(text for term in own.terms for text in (term.title, term.definition, term.example))]
    yield from ((None, text, "incidents/taxonomies/faultline.json") for text in texts if text)
