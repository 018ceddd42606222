"""Reading what was published, in order, and checking all of it."""

from dataclasses import dataclass

from incidents.log_checking import problems
from incidents.models import Publication

__all__ = ["LogHead", "entries_after", "head", "problems"]


@dataclass(frozen=True)
class LogHead:
    """The last publication: its number, and the digest of its signed object; 0 and "" before the first."""

    number: int
    object_digest: str


def head() -> LogHead:
    """What was published last. Its digest is another with every publication: a tag for whatever all of them make up."""
    last = Publication.objects.order_by("-number").values_list("number", "object_digest").first()
    return LogHead(*last) if last else LogHead(0, "")


def entries_after(number: int, limit: int) -> list[Publication]:
    """The next `limit` publications after `number`, oldest first: none is missed, as numbers follow commit order."""
    return list(Publication.objects.filter(number__gt=number).select_related("incident").order_by("number")[:limit])
