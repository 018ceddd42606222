"""Parts of a representation (RFC 9110, 14) and its content coding (12.5.3). Pure."""

import re
from collections.abc import Sequence

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_QVALUE = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)", re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The range begins after the end."""


def part_of(header: str, size: int) -> tuple[int, int] | None:
    """What a Range header asks of `size` bytes: from where, and up to where (that byte not included).

    None where the header is to be ignored: it is malformed, in another unit, or asks for several parts. Raises
    UnsatisfiableRangeError.
    """
    match = _ONE_RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:  # the last so many bytes
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or stop <= start:
        raise UnsatisfiableRangeError
    return start, stop


def coding_for(header: str, offered: Sequence[str]) -> str:
    """The content coding of those offered, best first, that an Accept-Encoding header likes most; "" for none."""
    weights: dict[str, float] = {}
    for element in header.lower().split(","):
        name, _, parameters = element.partition(";")
        weight = _QVALUE.search(parameters)
        weights[name.strip()] = float(weight[1]) if weight else 1.0
    liked = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in offered}
    best = max(offered, key=lambda coding: liked[coding])  # the first of equals
    # Without a word on identity it is acceptable, but what was named is meant.
    return best if liked[best] > 0 and liked[best] >= weights.get("identity", 0.0) else ""
