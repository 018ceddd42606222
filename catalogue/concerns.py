"""Names that moderators should look at. Noted where a name comes up, settled in the console, never public.

A look-alike is flagged and never merged; a name that leads to another stable id is another model.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

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
# Names that one question is about.
_AT_ONCE = 100
_COLUMNS = ("pk", "hub", "name", "skeleton", "model_id")


class _Name(NamedTuple):
    """An alias, as it is compared."""

    pk: int
    hub: str
    name: str
    skeleton: str
    model: int

    @property
    def parts(self) -> set[str]:
        """Its organisation, with a slash, and its repository, as they look."""
        organisation, repository = split(self.skeleton)
        return {f"{organisation}/", repository} if organisation else {repository}


def note_look_alikes(*aliases: Alias) -> None:
    """Compares names that are new with those of the watched models of their hubs."""
    names = [_Name(one.pk, one.hub, one.name, one.skeleton, one.model_id) for one in aliases]
    _note((name, known) for name, near in _compared(names, Q(model__watched=True)) for known in near)


def note_look_alikes_of(*models: Model) -> None:
    """Compares the names of models that are watched from now on with all others of their hubs."""
    rows = Alias.objects.filter(model__in=models).values_list(*_COLUMNS)
    by_model: dict[int, list[_Name]] = {model.pk: [] for model in models}
    for row in rows.order_by("pk"):
        by_model[row[-1]].append(_Name(*row))
    names = [name for names in by_model.values() for name in names]
    _note((other, name) for name, near in _compared(names, Q()) for other in near)


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


def _compared(names: Sequence[_Name], which: Q) -> Iterator[tuple[_Name, list[_Name]]]:
    """Each with the first names of other models that could be the same but for one letter, of another organisation."""
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        by_part: dict[tuple[str, str], list[_Name]] = {}
        for near in (_Name(*row) for row in _sharing_a_part(some, which).values_list(*_COLUMNS).iterator()):
            for part in near.parts:
                by_part.setdefault((near.hub, part), []).append(near)
        for name in some:
            found = {near.pk: near for part in name.parts for near in by_part.get((name.hub, part), ())}
            yield name, [found[pk] for pk in sorted(found) if _is_near(name, found[pk])][:MOST_COMPARED]


def _sharing_a_part(names: Sequence[_Name], which: Q) -> QuerySet[Alias]:
    """The names on the hubs of these with the same repository or organisation, as they look, and about as long."""
    owners: dict[str, set[str]] = {}
    for name in names:
        owners.setdefault(split(name.skeleton)[0], set()).add(f"{name.name.partition('/')[0]}/".lower())
    same_part = Q(repository__in={split(name.skeleton)[1] for name in names})
    for organisation in sorted(owners.keys() - {""}):
        of_others = Q(skeleton__startswith=f"{organisation}/")
        if len(owners[organisation]) == 1:  # a large organisation's own names are none to compare
            of_others &= ~Q(name__istartswith=owners[organisation].pop())
        same_part |= of_others
    lengths = {len(name.skeleton) + more for name in names for more in (-1, 0, 1)}
    rows = Alias.objects.alias(repository=REPOSITORY, length=Length("skeleton"))
    return rows.filter(same_part, which, hub__in={name.hub for name in names}, length__in=lengths)


def _is_near(name: _Name, known: _Name) -> bool:
    if known.model == name.model or abs(len(known.skeleton) - len(name.skeleton)) > 1:
        return False
    organisation, _ = split(name.skeleton)
    return not organisation or not known.name.lower().startswith(f"{name.name.partition('/')[0]}/".lower())


def _note(pairs: Iterable[tuple[_Name, _Name]]) -> None:
    """Once each, whichever of the two came first."""
    for alias, known in pairs:
        reason = is_look_alike(alias.name, known.name)
        if not reason or Concern.objects.filter(alias=known.pk, other=alias.pk).exists():
            continue
        noted = Concern(kind=ConcernKind.LOOK_ALIKE, alias_id=alias.pk, other_id=known.pk, detail=reason)
        Concern.objects.bulk_create([noted], ignore_conflicts=True)
        log.info("concern noted", kind=ConcernKind.LOOK_ALIKE.value, alias=alias.pk, other=known.pk)
