"""Taking passages out of a text: marks in their place, and none of the passage left. Plain data.

A mark is `[redacted: email 3]` while the text is being worded, where 3 is the passage's number in its case: it moves
with the sentence around it, and another occurrence gets the same mark. The public reads `[redacted: email]`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lib.text import clean_text
from reports.suggestions import Category, spans, whole

SHORTEST = 2
_MARK = re.compile(r"\[redacted: ([a-z]+) \d+\]")
_BEGINNINGS = [f"[redacted: {category} " for category in Category]
# What could arise anew from a mark and the text beside it: its end at the front, its beginning at the back, a number.
_LIKE_A_MARK = re.compile(r"^[a-z: \[]*\d{0,4}\]|\[[a-z: ]*\d{0,4}$|^\d{1,4}$|\[redacted: ", re.IGNORECASE)


class UnfitPassageError(ValueError):
    """This passage cannot be taken out; the message is a sentence for the moderator."""


@dataclass(frozen=True)
class Passage:
    """What is taken out: the exact text, letter case and the width of spaces aside."""

    number: int
    category: str
    text: str

    @property
    def mark(self) -> str:
        """What stands in its place."""
        return f"[redacted: {self.category} {self.number}]"


def passage(number: int, category: str, text: str) -> Passage:
    """A passage that can be taken out of any text for good; raises UnfitPassageError for one that cannot."""
    taken = Passage(number, category, " ".join(clean_text(text).split()))
    if len(taken.text) < SHORTEST:
        raise UnfitPassageError(f"Choose at least {SHORTEST} characters.")
    if _LIKE_A_MARK.search(taken.text) or any(taken.text.casefold() in mark for mark in _BEGINNINGS):
        raise UnfitPassageError(
            "This reads like the mark that would replace it: choose a little more or a little less."
        )
    return taken


def redacted(text: str, passages: Iterable[Passage]) -> str:
    """`text`, cleaned, with a mark for every occurrence of each passage; longer passages first."""
    text = clean_text(text)
    for taken in sorted(passages, key=lambda one: (-len(one.text), one.number)):
        text = _outside_marks(_form(taken), text, taken.mark)
    return text


def _outside_marks(form: re.Pattern[str], text: str, mark: str) -> str:
    """Replaces in the text between marks only: a mark is not wording."""
    pieces, start = [], 0
    for standing in _MARK.finditer(text):
        pieces += [form.sub(lambda _: mark, text[start : standing.start()]), standing.group()]
        start = standing.end()
    return "".join([*pieces, form.sub(lambda _: mark, text[start:])])


def _form(taken: Passage) -> re.Pattern[str]:
    """A name is taken out as whole words, so that Ana does not go from banana; anything else wherever it stands."""
    if taken.category == Category.NAME:
        return whole(taken.text)
    return re.compile(r"\s+".join(map(re.escape, taken.text.split())), re.IGNORECASE)


def holds(text: str, taken: Passage) -> bool:
    """Whether the passage stands in the text."""
    return _form(taken).search(_MARK.sub("\ufffc", clean_text(text))) is not None


def same(one: str, other: str) -> bool:
    """Whether two passages are the same, letter case and spaces aside."""
    return " ".join(clean_text(one).split()).casefold() == " ".join(clean_text(other).split()).casefold()


def for_readers(text: str) -> str:
    """Marks as the public reads them: without numbers."""
    return _MARK.sub(r"[redacted: \1]", text)


def masked(text: str, contacts: Iterable[str] = ()) -> str:
    """`text` with a public mark for everything that may be personal data: what is read before anybody has decided."""
    text = clean_text(text)
    pieces, last = [], 0
    for start, end, category in spans(text, contacts=contacts):
        pieces += [text[last:start], f"[redacted: {category}]"]
        last = end
    return for_readers("".join([*pieces, text[last:]]))


def categories() -> list[tuple[str, str]]:
    """Codes and titles, as choices of a form."""
    return [(code.value, code.value.capitalize()) for code in Category]
