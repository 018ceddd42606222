"""Values out of a hub's JSON, which is never trusted: each reader takes any value, and gives one a database can hold.

What has the wrong type reads as nothing, and the rest stands.
"""

import re
from datetime import UTC, datetime
from typing import Any

LONGEST_LINE = 200
_LARGEST_NUMBER = 2**53 - 1  # what JSON carries without loss
_LARGEST_SECONDS = 10**11  # the year 5138: what is larger counts milliseconds
_EARLIEST_YEAR = 1980
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class MalformedAnswerError(ValueError):
    """The answer is not what the hub says about a model."""


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object, else {}."""
    return value if isinstance(value, dict) else {}


def at(value: Any, path: tuple[str, ...]) -> Any:
    """What is found by following `path` through JSON objects; None where it ends early."""
    for key in path:
        value = mapping(value).get(key)
    return value


def entries(value: Any) -> list[Any]:
    """`value` if it is a JSON array, else []."""
    return value if isinstance(value, list) else []


def lines(value: Any) -> list[str]:
    """The texts in a JSON array, or the one text, each as `line` gives it, empty ones left out."""
    values = [value] if isinstance(value, str) else entries(value)
    return [found for found in map(line, values) if found]


def line(value: Any, most: int = LONGEST_LINE) -> str:
    """A text of at most `most` characters, spaces and line ends as one space; "" for anything else."""
    return text(" ".join(value.split()))[:most].rstrip() if isinstance(value, str) else ""


def text(value: Any) -> str:
    """`value` without what a database or canonical JSON cannot hold, if it is a text; else ""."""
    return _UNSTORABLE.sub("", value).strip() if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A number of things or of bytes; None for anything that cannot be one."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER
    return value if is_count else None


def moment(value: Any) -> datetime | None:
    """An ISO 8601 text, or (milli)seconds since 1970, as a time in UTC; None for the rest, servers' zero times too."""
    try:
        found = _moment(value)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if found.year >= _EARLIEST_YEAR else None


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000 if value > _LARGEST_SECONDS else value, UTC)
    found = datetime.fromisoformat(value)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
