"""The lanes of the queue, as one table. A report may stand in several; a new lane is one entry."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from incidents.taxonomy import with_descendants
from reports.models import NamedModel
from reports.priority import HIGH, STALE_AFTER, WORDS

_HIGH = (HIGH,)
_OTHERS = tuple(number for number in WORDS if number != HIGH)


@dataclass(frozen=True)
class Lane:
    """Some of the reports that await a decision: those that `where` says, asked anew each time.

    `high` narrows it to the reports of high priority (True), or to all others (False); rows must be `with_priority`.
    """

    slug: str
    title: str
    meaning: str
    where: Callable[[], Q]
    high: bool | None = None

    def of(self) -> Q:
        """The whole condition."""
        return self.where() if self.high is None else self.where() & Q(priority__in=_HIGH if self.high else _OTHERS)


def _everything() -> Q:
    return Q(pk__isnull=False)


def _with_artefact() -> Q:
    """What says that a model or file is malicious, and names one that can be looked at."""
    on_hub = NamedModel.objects.filter(report=OuterRef("pk"), alias__isnull=False)
    return Q(category__in=with_descendants("backdoor")) & Q(Exists(on_hub))


def _imported() -> Q:
    return ~Q(source_id="")


def _suspected_spam() -> Q:
    return Q(suspected_spam=True)


def _normal() -> Q:
    return ~_with_artefact() & ~_imported() & ~_suspected_spam()


def _stale() -> Q:
    return Q(submitted_at__lte=timezone.now() - STALE_AFTER)


LANES: tuple[Lane, ...] = (
    Lane("all", "Everything", "Every report that awaits a decision.", _everything),
    Lane("high", "High priority", "Much harm, many reports or much used models.", _everything, high=True),
    Lane("backdoor", "Backdoor with artefact", "A malicious model or file that can be looked at.", _with_artefact),
    Lane("normal", "Normal", "Neither of the two before, not imported, not suspected.", _normal, high=False),
    Lane("imports", "Imports", "Read from another database.", _imported),
    Lane("spam", "Suspected spam", "Looks like spam to the software, which decides nothing.", _suspected_spam),
    Lane("stale", "Over 48 hours", "Waits for longer than two days.", _stale),
)


def lane(slug: str) -> Lane:
    """The lane of that slug; the first, which holds everything, where there is none."""
    return next((one for one in LANES if one.slug == slug), LANES[0])
