"""What operators watch, in the Prometheus text format 0.0.4: numbers of rows and seconds, never of people.

For whoever has FAULTLINE_METRICS_TOKEN; without one set, for this machine alone. Nobody else finds anything there.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from federation import notices, witnessing
from federation.models import Cosigning, Notice, Outcome, Peer, PeerState, Run, RunState, Verdict
from incidents import checkpoints
from lib.due import DueRow
from reports.lanes import AWAITING, LANES
from reports.models import Report
from reports.priority import with_priority

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@dataclass(frozen=True)
class Sample:
    """One value, under what tells it from others of its metric."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric with its samples; `kind` is gauge or counter."""

    name: str
    text: str
    samples: Iterable[Sample]
    kind: str = "gauge"

    def lines(self) -> Iterator[str]:
        """As Prometheus reads it."""
        yield f"# HELP faultline_{self.name} {self.text}"
        yield f"# TYPE faultline_{self.name} {self.kind}"
        for sample in self.samples:
            labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
            yield f"faultline_{self.name}{f'{{{labels}}}' if labels else ''} {sample.value:.17g}"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All of them, as they are now."""
    if not _may_read(request):
        raise Http404
    lines = [line for metric in (*_log(), *_peers(), *_queue(), *_due()) for line in metric.lines()]
    return HttpResponse("\n".join(lines) + "\n", content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        # A header arrives as Latin-1, whatever its bytes.
        given = request.headers.get("Authorization", "").encode("latin-1", "replace")
        return hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())
    # Behind a proxy on this machine everybody would come from here.
    is_forwarded = settings.BEHIND_PROXY or any(name in request.META for name in _FORWARDED)
    return request.META.get("REMOTE_ADDR") in _LOOPBACK and not is_forwarded


def _log() -> Iterator[Metric]:
    standing = checkpoints.standing()
    yield Metric("log_entries", "Entries of this node's log.", [Sample(standing.entries, {})])
    yield Metric("log_signed_entries", "Entries that a checkpoint covers.", [Sample(standing.signed, {})])


def _peers() -> Iterator[Metric]:
    peers = list(Peer.objects.exclude(state=PeerState.REMOVED).order_by("domain"))
    lags = [Sample(peer.lag, {"peer": peer.domain}) for peer in peers]
    yield Metric("peer_lag_entries", "Entries of a peer's last checkpoint without effect here yet.", lags)
    read = [Sample(peer.read_at.timestamp(), {"peer": peer.domain}) for peer in peers if peer.read_at]
    yield Metric("peer_last_success_timestamp_seconds", "When a peer's log last answered well.", read)
    distrusted = [Sample(bool(peer.distrusted_at), {"peer": peer.domain}) for peer in peers]
    yield Metric("peer_contradicted", "1 while a peer's contradiction is not cleared up.", distrusted)
    runs = Run.objects.values_list("peer__domain", "state").annotate(Count("pk")).order_by("peer__domain", "state")
    ended = [Sample(count, {"peer": domain, "state": state}) for domain, state, count in runs]
    yield Metric("peer_runs_total", "Runs that brought something or failed, by how they ended.", ended, "counter")
    held = Run.objects.filter(state=RunState.HELD, decision="").values_list("peer__domain", "withdrawals")
    waiting = [Sample(withdrawals, {"peer": domain}) for domain, withdrawals in held]
    yield Metric("peer_held_withdrawals", "Withdrawals that wait for an operator.", waiting)
    rows = Outcome.objects.filter(verdict__in=[Verdict.QUARANTINED, Verdict.WAITING])
    counts = rows.values_list("entry__peer__domain", "verdict").annotate(Count("pk")).order_by("entry__peer__domain")
    aside = [Sample(count, {"peer": domain, "verdict": verdict}) for domain, verdict, count in counts]
    yield Metric("peer_entries_aside", "Entries in quarantine, and records that wait for a moderator.", aside)


def _queue() -> Iterator[Metric]:
    reports = with_priority(Report.objects.order_by())
    lanes = [(one.slug, reports.filter(state__in=AWAITING) if one.undecided else reports, one.of()) for one in LANES]
    samples = [Sample(rows.filter(where).count(), {"lane": slug}) for slug, rows, where in lanes]
    yield Metric("queue_reports", "Reports in each lane of the queue; one may be in several.", samples)


def _due() -> Iterator[Metric]:
    now = timezone.now()
    due, oldest, parked = [], [], []
    for rows in _standing_jobs():
        found = rows.order_by().aggregate(
            due=Count("pk", filter=Q(due_at__lte=now, parked_at=None)),
            oldest=Min("due_at", filter=Q(due_at__lte=now, parked_at=None)),
            parked=Count("pk", filter=Q(parked_at__isnull=False)),
        )
        kind = {"kind": rows.model._meta.label_lower}  # noqa: SLF001 - Django's documented API
        due.append(Sample(found["due"], kind))
        oldest.append(Sample((now - (found["oldest"] or now)).total_seconds(), kind))
        parked.append(Sample(found["parked"], kind))
    yield Metric("due_rows", "Rows whose time has come.", due)
    yield Metric("due_oldest_seconds", "For how long the first of them has been due.", oldest)
    yield Metric("parked_rows", "Rows that are no longer tried until an operator says so.", parked)


def _standing_jobs() -> Iterator[QuerySet[DueRow]]:
    for model in apps.get_models():
        if model is Peer:
            yield Peer.objects.filter(state=PeerState.FOLLOWED)
        elif model is Notice:
            yield notices.owed()
        elif model is Cosigning:
            yield witnessing.owed()
        elif issubclass(model, DueRow):
            yield model.objects.all()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
