"""Reading what was published, in order, and checking all of it."""

from datetime import datetime

from incidents.log_checking import problems
from incidents.models import SearchRow
from incidents.position import LogHead, read_head

__all__ = ["LogHead", "head", "number_at", "problems"]


def head() -> LogHead:
    """What was published last."""
    return read_head()


def number_at(moment: datetime) -> int:
    """The last publication dated by that moment; 0 before the first one."""
    rows = SearchRow.objects.filter(modified_at__lte=moment).order_by("-modified_at", "-incident")
    return rows.values_list("pk", flat=True).first() or 0
