"""What a moderator sees of a text file: its beginning, with every character that hides made visible."""

import re
import unicodedata
from dataclasses import dataclass

from lib.confined import RefusedFileError
from reports.redteam_draft import read_results
from reports.redteam_results import Results

MOST_CHARACTERS = 20_000
_RESULTS = frozenset({"application/json", "application/jsonl"})
# Every character but TAB and LF that has no shape of its own (Unicode categories Cc, Cf, Co, Cn, Cs).
_HIDDEN = re.compile(r"[^\t\n\x20-\x7e]")


@dataclass(frozen=True)
class Preview:
    """The beginning of a text, whether there is `more`, and what a red-team tool's file says."""

    text: str
    more: bool
    results: Results | None = None


def of(media_type: str, content: bytes) -> Preview:
    """A preview of what is kept; `content` is UTF-8, as `lib.sanitise.texts` leaves it."""
    text = content.decode()
    results = None
    if media_type in _RESULTS:
        try:
            results = read_results(content)
        except RefusedFileError:
            results = None  # JSON all the same; it is shown as text
    return Preview(visible(text[:MOST_CHARACTERS]), len(text) > MOST_CHARACTERS, results)


def visible(text: str) -> str:
    """`text` with each hidden character as its code point, such as \u2039U+202E\u203a."""
    return _HIDDEN.sub(lambda found: _shown(found[0]), text)


def _shown(character: str) -> str:
    hidden = unicodedata.category(character).startswith("C")
    return f"\u2039U+{ord(character):04X}\u203a" if hidden else character
