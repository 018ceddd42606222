"""A view of the list of records: what its address says, read strictly, and its one canonical address."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext

from incidents import log
from incidents.filters import ARGUMENTS, FILTERS, MORE_FILTERS, BadFilterError, Wanted, read_filters
from incidents.listing import Order, Sort
from incidents.position import LogHead
from website.public.answers import Pairs, query

DENSITIES = ("full", "compact", "table")
ORDERS = ("desc", "asc")
# What an address does not say, because it is so anyway.
_UNSAID = {"sort": Sort.PUBLISHED.value, "order": "desc", "density": "full"}
_MORE = ("sort", "order", "as_of", "density", "cursor")
NAMES = (*(name for name in ("q", *FILTERS)), *(name for name in MORE_FILTERS if name != "q"), *_MORE)


class BadViewError(ValueError):
    """An address that means nothing; the message says which part of it."""


@dataclass(frozen=True)
class View:
    """One view: its arguments in canonical order, and what they mean.

    `number` is the entry of the log whose state is shown, `head` where the log stands.
    """

    pairs: Pairs
    wanted: Wanted
    order: Order
    density: str
    number: int
    head: LogHead

    @property
    def given(self) -> dict[str, list[str]]:
        """The filters in use, by name."""
        return {name: values for name, values in lists(self.pairs).items() if name in ARGUMENTS}

    @property
    def cursor(self) -> str:
        """Where the page begins; "" at the beginning."""
        return dict(self.pairs).get("cursor", "")

    @property
    def as_of(self) -> str:
        """The state that was asked for, as it was written; "" for the present one."""
        return dict(self.pairs).get("as_of", "")

    @property
    def pinned(self) -> Pairs:
        """The arguments of the same list, from its beginning, as it stood at this number for ever."""
        return changed(self.pairs, as_of=str(self.number), density="")

    def without(self, name: str) -> Wanted:
        """What would be wanted if this filter were not in use."""
        return read_filters({other: values for other, values in self.given.items() if other != name})


def read(request: HttpRequest, *, leaving_out: Sequence[str] = ()) -> View:
    """The view that an address asks for. Raises BadViewError."""
    pairs = [pair for pair in canonical(request) if pair[0] not in leaving_out]
    found = lists(pairs)
    head = log.head()
    try:
        wanted = read_filters({name: values for name, values in found.items() if name in ARGUMENTS})
        number = log.number_of(dict(pairs)["as_of"], head.number) if "as_of" in found else head.number
    except (BadFilterError, log.BadStateError) as error:
        raise BadViewError(str(error)) from error
    sort, order = Sort(_one_of(pairs, "sort", list(Sort))), _one_of(pairs, "order", ORDERS)
    density = _one_of(pairs, "density", DENSITIES)
    return View(pairs, wanted, Order(sort, order != "asc"), density, number, head)


def canonical(request: HttpRequest) -> list[tuple[str, str]]:
    """The arguments that mean something, each value once, in one order; what is so anyway is not said.

    The order by relevance goes where the words go that it was relevant to.
    """
    given = request.GET
    pairs = []
    for name in NAMES:
        values = [part.strip() for text in given.getlist(name) for part in _parts(name, text)]
        values = sorted({value for value in values if value})
        if name not in FILTERS and len(values) > 1:
            values = [next(text.strip() for text in given.getlist(name) if text.strip())]
        pairs += [(name, value) for value in values if value != _UNSAID.get(name)]
    has_words = any(name == "q" for name, _ in pairs)
    return [pair for pair in pairs if has_words or pair != ("sort", Sort.RELEVANCE.value)]


def changed(pairs: Pairs, **changes: str | Sequence[str]) -> Pairs:
    """The arguments with these changed, from the first page; an empty value takes an argument out."""
    found = lists(pairs) | {"cursor": []}
    found |= {name: [value] if isinstance(value, str) else list(value) for name, value in changes.items()}
    return [
        (name, value) for name in NAMES for value in sorted(found.get(name, ())) if value and value != _UNSAID.get(name)
    ]


def address(pairs: Pairs, **changes: str | Sequence[str]) -> str:
    """The address of the list with these arguments changed, relative to it."""
    return query(changed(pairs, **changes))


def lists(pairs: Pairs) -> dict[str, list[str]]:
    """The values by name."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _parts(name: str, text: str) -> Sequence[str]:
    return text.split(",") if name in FILTERS else [text]


def _one_of(pairs: Pairs, name: str, allowed: Sequence[str]) -> str:
    value = dict(pairs).get(name, _UNSAID[name])
    if value not in allowed:
        raise BadViewError(gettext("%(name)s is one of %(values)s.") % {"name": name, "values": ", ".join(allowed)})
    return value
