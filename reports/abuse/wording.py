"""What spam tends to read like: links, noise, no language. Points and sentences; pure."""

import math
import re
from collections import Counter
from collections.abc import Sequence

Signs = list[tuple[int, str]]

_LINK = re.compile(r"https?://\S+", re.I)
_WORD = re.compile(r"[^\W\d_]+")
MANY_LINKS = 8
# Bits a character of running text: below is repetition, above is noise (C. Shannon, "Prediction and Entropy of Printed
# English", 1951, finds about 4.1 for single letters).
LEAST_BITS, MOST_BITS = 2.5, 5.05
_ENOUGH_WORDS = 25
# The commonest little words of the languages with Latin letters that are most written: running text cannot do without.
_LITTLE = frozenset(
    """
    the a of to and in is it that was for on with as this der die das und ist nicht ein eine zu mit le la les et est un
    une des que dans pour il el los las y en es una por con no o do da e em um uma para com não di che per sono del de
    het een van dat niet op te w z na się nie jest i och att det som är på ve bir bu için ile ja ei se
    """.split()  # noqa: SIM905 - a list of words is read as words
)


def signs(text: str, links: Sequence[str] = ()) -> Signs:
    """What stands out in the text, as points and sentences."""
    return [*_links(text, links), *_noise(text), *_language(text)]


def _links(text: str, links: Sequence[str]) -> Signs:
    inside = _LINK.findall(text)
    found: Signs = []
    if len(inside) + len(links) > MANY_LINKS:
        found.append((20, f"It holds {len(inside) + len(links)} links."))
    if inside and sum(map(len, inside)) > len(text) / 2:
        found.append((25, "Most of its text is links."))
    return found


def _noise(text: str) -> Signs:
    bits = entropy(_LINK.sub(" ", text).casefold())
    if bits < LEAST_BITS:
        return [(30, "Its text repeats a few characters.")]
    if bits > MOST_BITS and not _has_own_script(text):
        return [(15, "Its text reads like random characters.")]
    return []


def _language(text: str) -> Signs:
    words = [word.casefold() for word in _WORD.findall(_LINK.sub(" ", text))]
    if len(words) < _ENOUGH_WORDS or _has_own_script(text):
        return []
    little = sum(word in _LITTLE for word in words)
    return [(15, "Its text reads like no language we know.")] if little < len(words) / 40 else []


def entropy(text: str) -> float:
    """Shannon entropy of the characters of `text`, in bits a character."""
    counts, total = Counter(text), len(text)
    return -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0


def _has_own_script(text: str) -> bool:
    """Whether much of the text is beyond Latin letters, where neither measure means anything."""
    letters = [character for character in text if character.isalpha()]
    return sum(character > "\u024f" for character in letters) > len(letters) / 5
