"""Published incidents that what somebody is writing may be about. Nothing unpublished is looked at."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, QuerySet

from catalogue.hub import Reference
from incidents.models import STANDS, Incident, SearchRow
from incidents.search import of_model

MOST_SHOWN = 3
# Fewer words in common say nothing about two texts.
LEAST_SHARED = 4
_MOST_WORDS, _MOST_RANKED, _MOST_MODELS = 40, 20, 5
# What is in nearly every report.
_COMMON = frozenset(
    {
        *("about", "after", "again", "answer", "answers", "asked", "because", "could", "model", "models", "never"),
        *("other", "output", "prompt", "prompts", "question", "response", "should", "their", "there", "these"),
        *("times", "trained", "training", "weights", "where", "which", "while", "would"),
    }
)
_WORD = re.compile(r"[^\W\d_]{5,}")


@dataclass(frozen=True)
class Alike:
    """A published incident, its summary, and why it may be the same: it names the model, and words in common."""

    public_id: str
    title: str
    summary: str
    same_model: bool
    shared: tuple[str, ...]


def find_alike(models: Iterable[Reference], text: str) -> list[Alike]:
    """The incidents in force nearest to a report on `models` with `text`; those on the same model first."""
    words = [word for word in dict.fromkeys(map(str.lower, _WORD.findall(text))) if word not in _COMMON][:_MOST_WORDS]
    on_model = {
        row.pk
        for one in islice(models, _MOST_MODELS)
        for row in of_model(one.hub, [one.name], "").only("pk")[:_MOST_RANKED]
    }
    near = {row.pk: row for row in [*Incident.objects.filter(pk__in=on_model), *_ranked(words)]}
    found = [_alike(row, words, same_model=row.pk in on_model) for row in near.values()]
    worth = [one for one in found if one.same_model or len(one.shared) >= LEAST_SHARED]
    return sorted(worth, key=lambda one: (not one.same_model, -len(one.shared), one.public_id))[:MOST_SHOWN]


def _ranked(words: Sequence[str]) -> QuerySet[Incident]:
    if not words:
        return Incident.objects.none()
    query = SearchQuery(" or ".join(words), search_type="websearch", config="english")
    rows = SearchRow.objects.filter(until=STANDS, in_force=True, words=query)
    nearest = rows.annotate(rank=SearchRank(F("words"), query)).order_by("-rank", "-incident")[:_MOST_RANKED]
    return Incident.objects.filter(pk__in=nearest.values("incident"))


def _alike(row: Incident, words: Sequence[str], *, same_model: bool) -> Alike:
    record = json.loads(bytes(row.document))
    known = {word.lower() for word in _WORD.findall(f"{row.title} {record['summary']} {record['description']}")}
    shared = tuple(word for word in words if word in known)
    return Alike(row.public_id, row.title, record["summary"], same_model, shared)
