"""How the hubs do: their lookups counted, what the workers know of them, and two verbs on them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from catalogue import limits
from catalogue.hub import hubs
from catalogue.limits import HubState
from catalogue.models import Lookup
from lib.wake import wake


@dataclass
class HubRow:
    """One hub's lookups, and what the workers know of it (None where Redis does not answer).

    `due` are those nobody works on, `oldest` is since when the first of them waits; `outcomes` counts last answers.
    """

    slug: str
    title: str
    state: HubState | None
    due: int = 0
    oldest: datetime | None = None
    under_way: int = 0
    parked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> list[tuple[str, int]]:
        """The last answers and how many there are of each, most first: a template would look into the counter."""
        return self.outcomes.most_common()

    @property
    def installed(self) -> bool:
        """Whether this node can ask it."""
        return self.slug in hubs()


def hub_rows() -> list[HubRow]:
    """Every hub, by title. One query."""
    states = _states()
    rows = {slug: HubRow(slug, hub.title, states.get(slug)) for slug, hub in hubs().items()}
    for counted in _counts():
        slug = counted["alias__hub"]
        # A hub whose file was taken away keeps its rows.
        row = rows.setdefault(slug, HubRow(slug, slug, states.get(slug)))
        row.due += counted["due"]
        row.under_way += counted["under_way"]
        row.parked += counted["parked"]
        row.oldest = min(filter(None, (row.oldest, counted["oldest"])), default=None)
        row.outcomes[counted["outcome"] or "not asked yet"] += counted["lookups"]
    return sorted(rows.values(), key=lambda row: row.title.lower())


def _counts() -> Iterable[Mapping[str, Any]]:
    """Lookups by hub and last outcome."""
    now = timezone.now()
    under_way = Q(leased_until__gte=now, parked_at=None)
    due = Q(due_at__lte=now, parked_at=None) & (Q(leased_until=None) | Q(leased_until__lt=now))
    return Lookup.objects.values("alias__hub", "outcome").annotate(
        lookups=Count("pk"),
        due=Count("pk", filter=due),
        oldest=Min("due_at", filter=due),
        under_way=Count("pk", filter=under_way),
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
    )


def _states() -> dict[str, HubState]:
    """What the workers know, by slug; asks no further once Redis has not answered."""
    states: dict[str, HubState] = {}
    for slug in hubs():
        state = limits.state(slug)
        if state is None:
            break
        states[slug] = state
    return states


def _close_circuit(slug: str) -> str:
    limits.close_circuit(slug)
    return "Circuit closed."


def _retry_parked(slug: str) -> str:
    """As `retry_now` of each row, in one statement: what parked one row may have parked all."""
    parked = Lookup.objects.filter(alias__hub=slug).exclude(parked_at=None)
    count = parked.update(due_at=timezone.now(), parked_at=None, strikes=0, attempts=0)
    wake("model named")
    return f"Parked lookups due now: {count}."


HUB_VERBS = {"close-circuit": _close_circuit, "retry-parked": _retry_parked}
