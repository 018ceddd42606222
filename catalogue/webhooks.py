"""What the Hugging Face Hub tells by itself: reading a webhook's event, and making due what it is about.

Format: version 3 of the Hub's webhooks (huggingface.co/docs/hub/webhooks), whose scopes and members grow. An event is
a hint and never evidence: whatever it says, a deletion too, the hub is asked.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from catalogue import lookups
from catalogue.json_values import entries, mapping
from catalogue.models import Alias, Lookup

SLUG = "huggingface"
# Events come one a file and one a branch: a model that answered just now is asked once more, when that long has passed.
SETTLED_AFTER = timedelta(seconds=30)
_LONGEST = 300
_MAIN = "refs/heads/main"


@dataclass(frozen=True)
class Event:
    """One event about a model.

    `names` are its name, and its new one after a move; `stable_id` survives both. `commit` is the head of its default
    branch. `refs` are the branches, tags and pull requests that moved. All but `names` are "" or empty where not said.
    """

    action: str
    scope: str
    names: tuple[str, ...]
    stable_id: str = ""
    commit: str = ""
    refs: tuple[str, ...] = ()

    @property
    def may_change_the_model(self) -> bool:
        """Whether the model's default branch or settings may differ now. So may they after what we do not know."""
        if self.scope.partition(".")[0] == "discussion":
            return False
        return not self.refs or _MAIN in self.refs


def read_event(document: Any) -> Event | None:
    """The event in a webhook's body; None where it is about no model. Takes any JSON value, raises nothing."""
    document = mapping(document)
    event, repo = mapping(document.get("event")), mapping(document.get("repo"))
    names = _texts(repo.get("name"), mapping(document.get("movedTo")).get("name"))
    if repo.get("type") != "model" or not names:
        return None
    return Event(
        action=_text(event.get("action")),
        scope=_text(event.get("scope")),
        names=names,
        stable_id=_text(repo.get("id")),
        commit=_text(repo.get("headSha")),
        refs=_texts(*(mapping(moved).get("ref") for moved in entries(document.get("updatedRefs")))),
    )


def take(event: Event) -> int:
    """Makes due the names the event is about, as far as they are known here; how many there were."""
    aliases = list(_known(event)) if event.may_change_the_model else []
    for alias in aliases:
        _make_due(alias)
    return len(aliases)


def _known(event: Event) -> QuerySet[Alias]:
    """The aliases of the event's names; where it brings a name we never heard, those of its stable id."""
    ours = Alias.objects.filter(hub=SLUG)
    named = ours.filter(name_key__in=[name.lower() for name in event.names])
    return named if named.exists() else ours.filter(model__stable_id=event.stable_id)


def _make_due(alias: Alias) -> None:
    """At once, or soon after if it answered just now; a storm of events leaves what is due as it is."""
    now = timezone.now()
    waiting = Lookup.objects.filter(alias=alias, revision="", parked_at=None)
    # What is being asked now may answer with what was before the event.
    waiting = waiting.filter(Q(due_at__gt=now) | Q(leased_until__gt=now))
    lookup = waiting.first()
    if lookup is None:
        return
    settled = lookup.answered_at + SETTLED_AFTER if lookup.answered_at else now
    if settled <= now:
        lookups.make_due(alias)
    else:
        waiting.filter(due_at__gt=settled).update(due_at=settled)


def _texts(*values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(_text, values) if text))


def _text(value: Any) -> str:
    """A text as short as any that matters here and without what a database cannot hold; "" for anything else."""
    fits = isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()
    return value if fits else ""
