"""The lanes of the queue, as one table. A report may stand in several; a new lane is one entry."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from incidents.taxonomy import with_descendants
from reports.models import NamedModel
from reports.priority import HIGH, STALE_AFTER


@dataclass(frozen=True)
class Lane:
    """Some of the reports that await a decision; `of` is asked anew each time, over rows `with_priority`."""

    slug: str
    title: str
    meaning: str
    of: Callable[[], Q]


def _with_artefact() -> Q:
    """What says that a model or file is malicious, and names one that can be looked at."""
    on_hub = NamedModel.objects.filter(report=OuterRef("pk"), alias__isnull=False)
    return Q(category__in=with_descendants("backdoor")) & Q(Exists(on_hub))


def _imported() -> Q:
    return ~Q(source_id="")


def _normal() -> Q:
    return ~Q(priority=HIGH) & ~_with_artefact() & ~_imported()


def _stale() -> Q:
    return Q(submitted_at__lte=timezone.now() - STALE_AFTER)


LANES: tuple[Lane, ...] = (
    Lane("all", "Everything", "Every report that awaits a decision.", Q),
    Lane("high", "High priority", "Much harm, many reports or much used models.", lambda: Q(priority=HIGH)),
    Lane("backdoor", "Backdoor with artefact", "A malicious model or file that can be looked at.", _with_artefact),
    Lane("normal", "Normal", "Neither of the two before, and not imported.", _normal),
    Lane("imports", "Imports", "Read from another database.", _imported),
    Lane("stale", "Over 48 hours", "Waits for longer than two days.", _stale),
)


def lane(slug: str) -> Lane:
    """The lane of that slug; the first, which holds everything, where there is none."""
    return next((one for one in LANES if one.slug == slug), LANES[0])
