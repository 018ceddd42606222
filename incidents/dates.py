"""Days, months and years as ranges of days: ISO 8601-1:2019, 5.2.2 with reduced precision. Plain data."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime

_SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII | re.IGNORECASE)
_REDUCED = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}", re.ASCII)


def first_day(text: str) -> date:
    """The first day of a day, a month or a year. Raises ValueError."""
    if not _REDUCED.fullmatch(text):
        raise ValueError("not a day, a month or a year")
    year, month, day = [*map(int, text.split("-")), 1, 1][:3]
    return date(year, month, day)


def last_day(text: str) -> date:
    """The last day of a day, a month or a year. Raises ValueError."""
    first = first_day(text)
    if len(text) == len("2026-03-01"):
        return first
    if len(text) == len("2026-03"):
        return first.replace(day=monthrange(first.year, first.month)[1])
    return first.replace(month=12, day=31)


def first_moment(text: str) -> datetime:
    """The first moment of a day, a month, a year (in UTC), or of a second as RFC 3339 writes it. Raises ValueError."""
    if "T" in text:
        return _second(text)
    return datetime.combine(first_day(text), datetime.min.time(), UTC)


def last_moment(text: str) -> datetime:
    """The last moment, in microseconds, of the same. Raises ValueError."""
    if "T" in text:
        return _second(text).replace(microsecond=999_999)
    return datetime.combine(last_day(text), datetime.max.time(), UTC)


def _second(text: str) -> datetime:
    if not _SECOND.fullmatch(text):
        raise ValueError("not a second as RFC 3339 writes it")
    return datetime.fromisoformat(text.upper())
