"""How alike two texts are, and when two addresses are the same. Plain data: no database.

A text is compared as the set of its runs of three words. Its signature estimates the Jaccard index of two such sets:
one-permutation MinHash of 64 bins (Li, Owen and Zhang, "One Permutation Hashing", NIPS 2012), empty bins filled by
rotation (Shrivastava and Li, "Densifying One Permutation Hashing via Rotation", ICML 2014). Bands of two bins each are
what an index finds (locality-sensitive hashing): texts alike by s share one with probability 1 - (1 - s²)³².
"""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

BINS = 64
ROWS = 2
RUN = 3
# Two signatures of unrelated texts agree in a bin now and then; below this nothing is said to be alike.
ALIKE = 0.5

_MASK = 0x7FFFFFFF  # what PostgreSQL's integer holds
_STEP = 0x2545F491
NO_SPACES = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # kana and Han: a character is a word
_WORD = re.compile(rf"[{NO_SPACES}]|[^\W{NO_SPACES}]+")
_TRACKING = re.compile(r"utm_.*|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|ref|ref_src|s?share|source")

Key = TypeVar("Key", bound=Hashable)


def words_of(text: str) -> list[str]:
    """The words of a text, letter case and compatibility forms aside."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def runs_of(text: str) -> set[str]:
    """Its runs of three words; all of it where it has fewer; empty without a word."""
    words = words_of(text)
    return {" ".join(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))} - {""}


def signature(text: str) -> list[int]:
    """64 numbers below 2^31; empty for a text without a word."""
    bins: list[int | None] = [None] * BINS
    for run in runs_of(text):
        hashed = int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "big")
        place, value = hashed % BINS, (hashed // BINS) & _MASK
        standing = bins[place]
        bins[place] = value if standing is None else min(standing, value)
    return _densified(bins) if any(value is not None for value in bins) else []


def _densified(bins: Sequence[int | None]) -> list[int]:
    """Each empty bin takes the value of the next full one, moved by the distance so that the two stay apart."""
    dense: list[int] = []
    for place in range(BINS):
        away = next(step for step in range(BINS) if bins[(place + step) % BINS] is not None)
        dense.append(((bins[(place + away) % BINS] or 0) + away * _STEP) & _MASK)
    return dense


def bands(signed: Sequence[int]) -> list[int]:
    """The 32 keys under which a signature is found, each a signed 32-bit number."""
    pairs = (signed[start : start + ROWS] for start in range(0, len(signed), ROWS))
    keys = (blake2b(repr((place, *pair)).encode(), digest_size=4).digest() for place, pair in enumerate(pairs))
    return [int.from_bytes(key, "big", signed=True) for key in keys]


def likeness(one: Sequence[int], other: Sequence[int]) -> float:
    """The Jaccard index of two texts as their signatures estimate it, 0 to 1; 0 where either has no words."""
    if not one or not other:
        return 0.0
    return sum(mine == theirs for mine, theirs in zip(one, other, strict=True)) / BINS


def normalised_url(url: str) -> str:
    """An address without what does not say where it leads: scheme, `www.`, fragment, tracking, a closing slash."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url.strip()
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._").rstrip("/")
    kept = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0]))
    return f"{host}{port}{path}" + (f"?{urlencode(kept)}" if kept else "")


def marked(text: str, other: str) -> list[tuple[str, bool]]:
    """`text` in pieces, each with whether it is part of a run of three words that `other` has too."""
    theirs = runs_of(other)
    found = list(_WORD.finditer(text))
    shared = [False] * len(found)
    for at in range(len(found) - RUN + 1):
        run = found[at : at + RUN]
        if " ".join(" ".join(words_of(word.group())) for word in run) in theirs:
            shared[at : at + RUN] = [True] * RUN
    pieces: list[tuple[str, bool]] = []
    end = 0
    for place, word in enumerate(found):
        gap = text[end : word.start()]
        inside = shared[place] and place > 0 and shared[place - 1]
        _append(pieces, gap, shared=inside)
        _append(pieces, word.group(), shared=shared[place])
        end = word.end()
    _append(pieces, text[end:], shared=False)
    return pieces


def _append(pieces: list[tuple[str, bool]], piece: str, *, shared: bool) -> None:
    if pieces and pieces[-1][1] == shared:
        pieces[-1] = (pieces[-1][0] + piece, shared)
    elif piece:
        pieces.append((piece, shared))


def clusters(signatures: Mapping[Key, Sequence[int]], at_least: float = ALIKE) -> list[list[Key]]:
    """The keys grouped by wording: whoever is that much alike to one member belongs to its group. Largest first."""
    near: dict[tuple[int, int], list[Key]] = {}
    for key, signed in signatures.items():
        for place, band in enumerate(bands(signed)):
            near.setdefault((place, band), []).append(key)
    pairs = {pair for keys in near.values() for pair in _neighbours(keys)}
    alike = [(a, b) for a, b in pairs if likeness(signatures[a], signatures[b]) >= at_least]
    return groups(signatures, alike)


def _neighbours(keys: Sequence[Key]) -> Iterable[tuple[Key, Key]]:
    """Every pair of a few, and each with the first of many: a flood of one text must not cost its square."""
    return combinations(keys, 2) if len(keys) <= 30 else ((keys[0], key) for key in keys[1:])  # noqa: PLR2004


def groups(keys: Iterable[Key], pairs: Iterable[tuple[Key, Key]]) -> list[list[Key]]:
    """The keys in groups such that the two of each pair are together; keys in their order, the largest group first."""
    head = {key: key for key in keys}

    def find(key: Key) -> Key:
        while head[key] != key:
            head[key] = head[head[key]]
            key = head[key]
        return key

    for one, other in pairs:
        head[find(other)] = find(one)
    found: dict[Key, list[Key]] = {}
    for key in head:
        found.setdefault(find(key), []).append(key)
    return sorted(found.values(), key=len, reverse=True)
