"""The facets of the list: what can be chosen, in words, and how many records each choice leaves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy

from incidents import counting, years
from incidents.counting import Basis, Counts
from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status
from incidents.taxonomy import OWN, taxonomies
from website.public.list_views import View, address
from website.templatetags.record import answer_words, category_title, hub_title, question
from website.vocabulary import code_words, term_text

SHOWN = 8
# In the order in which they stand.
TITLES: Mapping[str, object] = {
    "category": gettext_lazy("Category"),
    "kind": gettext_lazy("Kind"),
    "severity": gettext_lazy("Severity"),
    "evidence_grade": gettext_lazy("Evidence"),
    "status": gettext_lazy("Status"),
    "organisation": gettext_lazy("Organisation"),
    "model": gettext_lazy("Model"),
    "base_model": gettext_lazy("Base model, with what derives from it"),
    "hub": gettext_lazy("Hub"),
    "licence": gettext_lazy("Licence"),
    "openness": gettext_lazy("Openness"),
    "file_format": gettext_lazy("File format"),
    "term": gettext_lazy("Terms of other taxonomies"),
    "confidence": gettext_lazy("Confidence"),
    "origin": gettext_lazy("Published by node"),
}
_OPEN = frozenset({"category", "kind", "severity", "evidence_grade"})
_QUOTED = frozenset({"organisation", "model", "base_model", "term", "origin"})
_RANKED: Mapping[str, Sequence[str]] = {
    "kind": list(Kind),
    "severity": list(Severity)[::-1],
    "evidence_grade": list(EvidenceGrade)[::-1],
    "status": list(Status),
    "confidence": list(Confidence)[::-1],
}


@dataclass(frozen=True)
class Choice:
    """One value, in words, how many records have it, whether it is chosen, and whether it is part of another."""

    value: str
    label: str
    records: int
    chosen: bool
    is_below: bool = False


@dataclass(frozen=True)
class Facet:
    """One facet: `first` are its choices, `rest` those that unfold; `more` says that there are others still."""

    name: str
    title: object
    first: Sequence[Choice]
    rest: Sequence[Choice]
    more: bool
    is_estimate: bool
    is_open: bool

    @property
    def is_quoted(self) -> bool:
        """Whether its values are words of others, which no page translates."""
        return self.name in _QUOTED


@dataclass(frozen=True)
class Year:
    """A year in which records occurred, how many, and the address that chooses it, or takes the choice back."""

    year: int
    records: int
    chosen: bool
    address: str


@dataclass(frozen=True)
class Faceted:
    """How many records a view has, what that rests on, and its facets."""

    total: int
    is_estimate: bool
    facets: Sequence[Facet]
    years: Sequence[Year]


def faceted(view: View) -> Faceted:
    """The counts of a view. A facet in use is counted as if it were not, to show what else there is to choose.

    The number of queries depends on how many filters are in use, never on how many records there are.
    """
    given = view.given
    counts = _count(view, [name for name in TITLES if name not in given])
    found = [_facet(view, name, counts if name not in given else _alone(view, name)) for name in TITLES]
    facets = [facet for facet in found if facet.first]
    return Faceted(counts.total, counts.basis is Basis.SAMPLE, facets, _years(view))


def label_of(name: str, value: str) -> str:
    """A value of a filter in words."""
    in_words = _LABELS.get(name)
    return in_words(value) if in_words else value


def _count(view: View, names: Sequence[str]) -> Counts:
    return counting.count(view.wanted, names, number=view.number, head=view.head.number)


def _alone(view: View, name: str) -> Counts:
    return counting.count(view.without(name), [name], number=view.number, head=view.head.number)


def _facet(view: View, name: str, counts: Counts) -> Facet:
    found = counts.facets[name]
    chosen = {value.lower(): value for value in view.given.get(name, ())}
    choices = [
        Choice(value, label_of(name, value), records, value.lower() in chosen, name == "category" and "." in value)
        for value, records in found.values
    ]
    choices = _ordered(name, [one for one in choices if name != "term" or not one.value.startswith(f"{OWN}:")])
    listed = {one.value.lower() for one in choices}
    choices += [Choice(value, label_of(name, value), 0, True) for key, value in chosen.items() if key not in listed]
    shown = [one for place, one in enumerate(choices) if place < SHOWN or one.chosen]
    rest = [one for one in choices if one not in shown]
    is_open = name in _OPEN or bool(chosen)
    return Facet(name, TITLES[name], shown, rest, found.more, found.basis is Basis.SAMPLE, is_open)


def _ordered(name: str, choices: Sequence[Choice]) -> list[Choice]:
    """Ranks in their order, categories under each other, all else by how many."""
    if name == "category":
        places = [term.code for top, below in taxonomies()[OWN].tree() for term in (top, *below)]
    elif name in _RANKED:
        places = list(_RANKED[name])
    else:
        return list(choices)
    return sorted(choices, key=lambda one: places.index(one.value) if one.value in places else len(places))


def _years(view: View) -> Sequence[Year]:
    given = view.given
    chosen = given.get("occurred_from") if given.get("occurred_from") == given.get("occurred_to") else None
    found = years.by_year(view.wanted, number=view.number, head=view.head.number)
    return [
        Year(year, records, is_chosen, address(view.pairs, occurred_from=text, occurred_to=text))
        for year, records in found
        for is_chosen in [chosen == [str(year)]]
        for text in ["" if is_chosen else str(year)]
    ]


def _openness(value: str) -> str:
    dimension, _, answer = value.partition(":")
    return f"{question(dimension)} {answer_words(answer, dimension)}"


def _term(value: str) -> str:
    taxonomy, _, code = value.partition(":")
    known = taxonomies().get(taxonomy)
    term = known.term(code) if known else None
    return f"{term_text(term.title, taxonomy)} ({code})" if term else value


def _status(value: str) -> str:
    return (gettext("undisputed") if value == Status.PUBLISHED else code_words(value, "status")).capitalize()


def _of(vocabulary: str) -> Callable[[str], str]:
    return lambda value: code_words(value, vocabulary).capitalize()


_LABELS: Mapping[str, Callable[[str], str]] = {
    "category": category_title,
    "kind": _of("kind"),
    "severity": _of("severity"),
    "evidence_grade": _of("evidence_grade"),
    "confidence": _of("confidence"),
    "status": _status,
    "hub": hub_title,
    "openness": _openness,
    "term": _term,
}
