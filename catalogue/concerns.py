"""Names that moderators should look at. Noted where a name comes up, settled in the console, never public.

A look-alike is flagged and never merged; a name that leads to another stable id is another model.
"""

from collections.abc import Iterable

import structlog
from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from django.utils import timezone

from catalogue.hub import Answer
from catalogue.lookalikes import is_look_alike, split
from catalogue.models import REPOSITORY, Alias, Concern, ConcernKind, Model, Verdict
from lib.text import clean_line

log = structlog.get_logger()

MOST_COMPARED = 200
MOST_CHARACTERS = 1000


def note_look_alikes(alias: Alias) -> None:
    """Compares a name that is new with those of the watched models of its hub."""
    _note((alias, known) for known in _candidates(alias).filter(model__watched=True)[:MOST_COMPARED])


def note_look_alikes_of(model: Model) -> None:
    """Compares the names of a model that is watched from now on with all others of its hub."""
    for known in model.aliases.all():
        _note((alias, known) for alias in _candidates(known)[:MOST_COMPARED])


def note_moved(alias: Alias, answer: Answer) -> None:
    """Notes that the name leads to another model; opens a settled concern again if it is yet another one.

    The caller holds a lock on the alias.
    """
    facts = answer.facts
    if facts is None:
        return
    detail = clean_line(f"{facts.name}, id {facts.stable_id}; it was id {alias.model.stable_id}")[:MOST_CHARACTERS]
    concern, is_new = Concern.objects.get_or_create(
        kind=ConcernKind.MOVED, alias=alias, other=None, defaults={"detail": detail}
    )
    if is_new or concern.detail != detail:
        now_open = {"detail": detail, "noted_at": timezone.now(), "settled_at": None, "settled_by": "", "verdict": ""}
        Concern.objects.filter(pk=concern.pk).update(**now_open)
        log.info("concern noted", kind=ConcernKind.MOVED.value, concern=concern.pk)


def settle(concern: Concern, *, by_name: str, verdict: Verdict) -> bool:
    """Records what a moderator found; False where somebody else was first."""
    found = {"settled_at": timezone.now(), "settled_by": by_name, "verdict": Verdict(verdict)}
    return bool(Concern.objects.filter(pk=concern.pk, settled_at=None).update(**found))


def settle_merged(model: Model) -> None:
    """Settles what was noted between two names that the hub has since shown to be one model's."""
    Concern.objects.filter(alias__model=model, other__model=model, settled_at=None).update(
        settled_at=timezone.now(), settled_by="the hub", verdict=Verdict.SAME_PUBLISHER
    )


def open_concerns() -> QuerySet[Concern]:
    """Those nobody has settled."""
    return Concern.objects.filter(settled_at=None)


def concerns_of(aliases: Iterable[Alias]) -> QuerySet[Concern]:
    """What a moderator should know of these names, oldest first: what is open, and what was found an imitation."""
    tell = Q(settled_at=None) | Q(verdict=Verdict.IMITATION)
    rows = Concern.objects.filter(tell, alias__in=list(aliases))
    return rows.select_related("alias", "other").order_by("noted_at", "pk")


def _candidates(alias: Alias) -> QuerySet[Alias]:
    """Names of other models that could be the same but for one letter, of an organisation other than the alias's."""
    organisation, repository = split(alias.skeleton)
    same_part = Q(repository=repository)
    if organisation:
        same_part |= Q(skeleton__startswith=f"{organisation}/")
    length = len(alias.skeleton)
    rows = Alias.objects.alias(repository=REPOSITORY, length=Length("skeleton"))
    rows = rows.filter(same_part, hub=alias.hub, length__gte=length - 1, length__lte=length + 1)
    rows = rows.exclude(model=alias.model_id)
    if organisation:
        rows = rows.exclude(name__istartswith=f"{alias.name.partition('/')[0]}/")
    return rows.order_by("pk")


def _note(pairs: Iterable[tuple[Alias, Alias]]) -> None:
    """Once each, whichever of the two came first."""
    for alias, known in pairs:
        reason = is_look_alike(alias.name, known.name)
        if not reason or Concern.objects.filter(alias=known, other=alias).exists():
            continue
        noted = Concern(kind=ConcernKind.LOOK_ALIKE, alias=alias, other=known, detail=reason)
        Concern.objects.bulk_create([noted], ignore_conflicts=True)
        log.info("concern noted", kind=ConcernKind.LOOK_ALIKE.value, alias=alias.pk, other=known.pk)
