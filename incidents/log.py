"""Reading what was published, in order, and checking all of it."""

from datetime import datetime

from django.utils.translation import gettext

from incidents.connection import of_public
from incidents.dates import last_moment
from incidents.log_checking import problems
from incidents.log_models import LogEntry
from incidents.models import Publication
from incidents.position import LogHead, read_head

__all__ = ["LogHead", "head", "number_at", "own_head", "problems"]


class BadStateError(ValueError):
    """A state of the log that there is not, or no way to name one; the message says what it may be."""


def head() -> LogHead:
    """What was published last."""
    return read_head()


def own_head() -> LogHead:
    """The last entry of this node's own log, by its index there; 0 and "" before the first record."""
    found = of_public(LogEntry).order_by("-index").values_list("index", "object_id").first()
    return LogHead(*found) if found and found[0] else LogHead(0, "")


def number_at(moment: datetime) -> int:
    """The last publication dated by that moment; 0 before the first one."""
    rows = Publication.objects.filter(at__lte=moment).order_by("-at", "-number")
    return rows.values_list("pk", flat=True).first() or 0


def number_of(text: str, last: int) -> int:
    """The entry that a number, or the end of a month, a day or a second, stands for. Raises BadStateError."""
    if text.isascii() and text.isdigit():
        if len(text) > len(str(last)) or int(text) > last:
            raise BadStateError(gettext("as_of is at most %(last)s, the last number of the log.") % {"last": last})
        return int(text)
    try:
        moment = last_moment(text)
    except ValueError as error:
        raise BadStateError(
            gettext(
                "as_of is a number of the log, or a month, a day or a moment, as 2026-03, 2026-03-01 or "
                "2026-03-01T10:00:00Z."
            )
        ) from error
    return number_at(moment)
