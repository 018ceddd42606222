"""Text that repeats what came lately.

SimHash (M. Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002) over word triples, 64
bits; near-duplicates differ in at most three of them (G. Manku et al., "Detecting Near-Duplicates for Web Crawling",
WWW 2007).
"""

import re
from datetime import timedelta
from hashlib import blake2b

from django.utils import timezone

from reports.models import Report, ReportState

BITS = 64
CLOSE = 3
SINCE = timedelta(days=7)
MOST_COMPARED = 2000
_WORD = re.compile(r"\w+")
_MOST_WORDS = 1500
_MASK = (1 << BITS) - 1


def simhash(text: str) -> int:
    """The text's SimHash as a signed 64-bit number; texts that share most of their word triples have close ones."""
    words = _WORD.findall(text.casefold())[:_MOST_WORDS]
    triples = {" ".join(words[start : start + 3]) for start in range(max(len(words) - 2, 1))}
    counts = [0] * BITS
    for triple in triples:
        number = int.from_bytes(blake2b(triple.encode("utf-8", "surrogatepass"), digest_size=BITS // 8).digest())
        for bit in range(BITS):
            counts[bit] += 1 if number >> bit & 1 else -1
    unsigned = sum(1 << bit for bit in range(BITS) if counts[bit] > 0)
    return unsigned - (1 << BITS) if unsigned >> (BITS - 1) else unsigned


def distance(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return ((one ^ other) & _MASK).bit_count()


def signs(text: str) -> list[tuple[int, str]]:
    """Points for each recent report that says nearly the same; more if one of them was rejected as spam."""
    mine, since = simhash(text), timezone.now() - SINCE
    recent = Report.objects.filter(submitted_at__gt=since).exclude(text_hash=None).order_by("-submitted_at", "-pk")
    rows = recent.values_list("pk", "text_hash", "state", "reject_reason")[:MOST_COMPARED]
    close = [row for row in rows if distance(mine, row[1] or 0) <= CLOSE]
    spam = [pk for pk, _hash, state, reason in close if state == ReportState.REJECTED and reason == "spam"]
    if spam:
        return [(40, f"Its text repeats report {spam[0]}, which was rejected as spam.")]
    if not close:
        return []
    numbers = ", ".join(str(row[0]) for row in close[:3])
    return [(min(10 * len(close), 30), f"Its text repeats {len(close)} of the last week's: {numbers}.")]
