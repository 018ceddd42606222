"""What a hub says right now of the models somebody is about to report, each as a card.

A card is made of what anyone could learn: the hub's answer to an anonymous reader, and published incidents. Nothing
comes from the catalogue and nothing is added to it, so that no card tells whether a model was reported before. Answers
are remembered for one browser alone: how fast a card comes must not tell what others are typing.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace

import redis
import structlog
from django.core.cache import cache

from catalogue import references
from catalogue.hub import Answer, Outcome, Reference, UnreadableReferenceError, hubs
from incidents import search
from lib.store import key, store
from lib.wording import in_words

BUDGET_SECONDS = 3.0
MOST_CARDS = 5
REMEMBERED_SECONDS = 600
# Of the node's calls, apart from the workers' budget: whoever plays with the form must not stop the lookups.
MOST_CALLS_A_MINUTE = 60

_FOUND = frozenset({Outcome.OK, Outcome.RENAMED, Outcome.GATED})
_hubs_asked = ThreadPoolExecutor(max_workers=8, thread_name_prefix="card")
log = structlog.get_logger()


@dataclass(frozen=True)
class Card:
    """One model as typed. `state` is found, missing, no_answer or unlisted; only a found one has more than a name.

    `pinned` is the text that names exactly the revision shown, "" where it is named exactly already.
    """

    typed: str
    state: str
    name: str = ""
    hub: str = ""
    url: str = ""
    problem: str = ""
    revision: str = ""
    licence: str = ""
    publisher: str = ""
    gated: bool = False
    disabled: bool = False
    renamed: bool = False
    pinned: str = ""
    incidents: int = 0


def cards(typed: Sequence[str], *, browser: str) -> list[Card]:
    """A card for each of the first few models, within BUDGET_SECONDS in all. `browser` is its secret."""
    wanted = list(typed)[:MOST_CARDS]
    read = {text: _read(text) for text in wanted}
    asked = {found: _ask(found, browser) for found in read.values() if isinstance(found, Reference)}
    wait([one for one in asked.values() if isinstance(one, Future)], timeout=BUDGET_SECONDS)
    return [
        _card(text, found, _answer(asked[found])) if isinstance(found, Reference) else _unlisted(text, found)
        for text, found in read.items()
    ]


def _read(text: str) -> Reference | str:
    try:
        return references.read(text)
    except UnreadableReferenceError as error:
        return in_words(error)


def _unlisted(text: str, problem: str) -> Card:
    return Card(text, "unlisted", name=text, problem=problem)


def _ask(reference: Reference, browser: str) -> Answer | Future[Answer]:
    """The hub's answer as this browser has it already, or the asking."""
    place = "card:" + hashlib.sha256(f"{browser} {asdict(reference)}".encode()).hexdigest()
    try:
        remembered: Answer | None = cache.get(place)
    except redis.RedisError:
        remembered = None
    return remembered or _hubs_asked.submit(_asked, reference, place)


def _asked(reference: Reference, place: str) -> Answer:
    if not _may_ask():
        return Answer(Outcome.RATE_LIMITED)
    answer = hubs()[reference.hub].ask(reference)
    if answer.facts and answer.facts.private:  # which only the operator's token may see
        answer = Answer(Outcome.NOT_FOUND_OR_PRIVATE)
    if answer.facts:
        answer = replace(answer, body=b"", facts=replace(answer.facts, files=()))
    if answer.facts or answer.outcome in {Outcome.NOT_FOUND_OR_PRIVATE, Outcome.REVISION_NOT_FOUND}:
        cache.set(place, answer, REMEMBERED_SECONDS)
    return answer


def _may_ask() -> bool:
    """Whether the node may ask another question for a card in this minute."""
    try:
        window = key("cards")
        count = store().incr(window)
        if count == 1:
            store().expire(window, 60)
        return bool(count <= MOST_CALLS_A_MINUTE)
    except redis.RedisError:
        return False


def _answer(asked: Answer | Future[Answer]) -> Answer:
    if isinstance(asked, Answer):
        return asked
    if not asked.done():
        return Answer(Outcome.TRANSIENT)
    if error := asked.exception():
        log.error("no card", error=type(error).__name__)
        return Answer(Outcome.TRANSIENT)
    return asked.result()


def _card(text: str, reference: Reference, answer: Answer) -> Card:
    hub, facts = hubs()[reference.hub], answer.facts
    name = facts.name if facts else reference.name
    shown = Card(
        text,
        _state(answer.outcome),
        name=name,
        hub=hub.title,
        url=hub.url(replace(reference, name=name)),
        revision=reference.revision,
        incidents=search.of_model(hub.slug, [reference.name, name], facts.stable_id if facts else "").count(),
    )
    if facts is None:
        return shown
    return replace(
        shown,
        revision=facts.revision,
        licence=facts.licence,
        publisher=facts.author or name.partition("/")[0],
        gated=bool(facts.gated),
        disabled=facts.disabled,
        renamed=answer.outcome is Outcome.RENAMED,
        pinned=_pinned(reference, name, facts.revision),
    )


def _state(outcome: Outcome) -> str:
    if outcome in _FOUND or outcome is Outcome.DISABLED:
        return "found"
    missing = {Outcome.NOT_FOUND_OR_PRIVATE, Outcome.REVISION_NOT_FOUND, Outcome.MOVED_TO_OTHER_MODEL}
    return "missing" if outcome in missing else "no_answer"


def _pinned(reference: Reference, name: str, revision: str) -> str:
    hub = hubs()[reference.hub]
    if hub.is_immutable(reference.revision) or not hub.is_immutable(revision):
        return ""
    return hub.purl(replace(reference, name=name, revision=revision))
