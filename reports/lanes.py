"""The lanes of the queue, as one table. A report may stand in several; a new lane is one entry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import User
from incidents.taxonomy import with_descendants
from reports.conversation import unanswered
from reports.models import Appeal, Message, MessageKind, NamedModel, ReportState
from reports.priority import HIGH, STALE_AFTER, WORDS

# What awaits a moderator's decision.
AWAITING = (ReportState.RECEIVED, ReportState.IN_REVIEW)
_HIGH = (HIGH,)
_OTHERS = tuple(number for number in WORDS if number != HIGH)


@dataclass(frozen=True)
class Lane:
    """Some of the reports: those that `where` says, asked anew each time, of those that await a decision.

    `high` narrows it to the reports of high priority (True), or to all others (False); rows must be `with_priority`.
    `undecided` False: `where` alone says which, in whatever state they are. `since`: when a report began to wait here.
    `not_for`: what "next" hands to somebody else.
    """

    slug: str
    title: str
    meaning: str
    where: Callable[[], Q]
    high: bool | None = None
    undecided: bool = True
    since: Callable[[], Any] = lambda: F("submitted_at")
    not_for: Callable[[User], Q] | None = None

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


# --- Lanes of reporters who wait for a word, or we for theirs ---------------------------------------------------------
def _appealed() -> Q:
    return Q(pk__in=Appeal.objects.filter(outcome="").values("report"))


def _since_appeal() -> Subquery:
    return Subquery(Appeal.objects.filter(report=OuterRef("pk")).values("at"))


def _rejected_by(by: User) -> Q:
    return Q(pk__in=Appeal.objects.filter(against=by).values("report"))


def _has_written() -> Q:
    return Q(pk__in=unanswered().values("report"))


def _since_written() -> Subquery:
    return _one(unanswered().filter(report=OuterRef("pk")), Min("at"))


def _waits_for_reporter() -> Q:
    return Q(state=ReportState.NEEDS_INFO)


def _since_asked() -> Subquery:
    return _one(Message.objects.filter(report=OuterRef("pk"), kind=MessageKind.QUESTION), Max("at"))


def _one(messages: QuerySet[Message], aggregate: Any) -> Subquery:
    return Subquery(messages.order_by().values("report").annotate(found=aggregate).values("found"))


LANES: tuple[Lane, ...] = (
    Lane("all", "Everything", "Every report that awaits a decision.", _everything),
    Lane("high", "High priority", "Much harm, many reports or much used models.", _everything, high=True),
    Lane("backdoor", "Backdoor with artefact", "A malicious model or file that can be looked at.", _with_artefact),
    Lane("normal", "Normal", "Neither of the two before, not imported, not suspected.", _normal, high=False),
    Lane("imports", "Imports", "Read from another database.", _imported),
    Lane("spam", "Suspected spam", "Looks like spam to the software, which decides nothing.", _suspected_spam),
    Lane("stale", "Over 48 hours", "Waits for longer than two days.", _stale),
    Lane(
        "appeals",
        "Appeals",
        "The reporter objects to a rejection. Somebody else than who rejected it decides.",
        _appealed,
        undecided=False,
        since=_since_appeal,
        not_for=_rejected_by,
    ),
    Lane(
        "written",
        "Reporter has written",
        "The reporter wrote, and nobody has answered, decided or said that it needs no answer.",
        _has_written,
        undecided=False,
        since=_since_written,
    ),
    Lane(
        "asked",
        "Waiting for the reporter",
        "We asked for more; the oldest question first to give up on.",
        _waits_for_reporter,
        undecided=False,
        since=_since_asked,
    ),
)


def lane(slug: str) -> Lane:
    """The lane of that slug; the first, which holds everything, where there is none."""
    return next((one for one in LANES if one.slug == slug), LANES[0])
