"""Which records are wanted: arguments as people write them, read once for pages, API and exports, and as SQL.

Values of one filter, given apart or with commas between, are alternatives; all filters must hold. Ranges include both
ends, and an end may be a day, a month, a year, or a second as RFC 3339 writes it (UTC).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext

from catalogue.hub import hubs
from catalogue.openness import FORMATS, VALUES
from incidents.dates import first_day, first_moment, last_day, last_moment
from incidents.models import STANDS
from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status
from incidents.taxonomy import category_codes, taxonomies
from incidents.tokens import UNKNOWN_DAY, Dimension, licence_wanted, signature, token

MOST_VALUES, LONGEST_VALUE = 50, 500


class BadFilterError(ValueError):
    """An argument that means nothing; the message names it and says what it may be."""


@dataclass(frozen=True)
class Filter:
    """One filter by value: its dimension, what it says of itself, and its values where they can be listed."""

    dimension: Dimension
    text: str
    allowed: Callable[[], Collection[str]] | None = None


def _traits() -> Collection[str]:
    return [f"{dimension.value}:{value}" for dimension, values in VALUES.items() for value in values]


def _vocabulary(values: Iterable[str]) -> Callable[[], Collection[str]]:
    listed = [str(value) for value in values]
    return lambda: listed


FILTERS: Mapping[str, Filter] = {
    "category": Filter(
        Dimension.CATEGORY, "Terms of the taxonomy `faultline`; their children are included.", category_codes
    ),
    "kind": Filter(Dimension.KIND, "incident, hazard, exercise, measurement.", _vocabulary(Kind)),
    "severity": Filter(
        Dimension.SEVERITY, "unknown, negligible, low, moderate, high, critical.", _vocabulary(Severity)
    ),
    "evidence_grade": Filter(
        Dimension.EVIDENCE_GRADE, "claim, documented, reproduced, confirmed.", _vocabulary(EvidenceGrade)
    ),
    "confidence": Filter(Dimension.CONFIDENCE, "low, medium, high.", _vocabulary(Confidence)),
    "status": Filter(
        Dimension.STATUS, "published, disputed, withdrawn; without it, all but withdrawn.", _vocabulary(Status)
    ),
    "hub": Filter(Dimension.HUB, "For example huggingface.", lambda: hubs().keys()),
    "organisation": Filter(Dimension.ORGANISATION, "What stands before the slash in a model's name."),
    "model": Filter(
        Dimension.MODEL, "Names of repositories; together with `hub`, on that hub. Letter case does not matter."
    ),
    "base_model": Filter(
        Dimension.BASE_MODEL,
        "Names of models: records on them and on what derives from them, as far as their hubs say. Counted are "
        "the first 50 models that a record names, and the nearest 100 bases of each.",
    ),
    "licence": Filter(Dimension.LICENCE, "Of a model in the record, as its publisher claims it: an id, or a name."),
    "openness": Filter(
        Dimension.OPENNESS, "A trait of a model in the record, for example `licence_osi:approved`.", _traits
    ),
    "file_format": Filter(Dimension.FORMAT, "Of files of weights, for example pickle.", lambda: sorted(FORMATS)),
    "term": Filter(Dimension.TERM, "`taxonomy:term`, for example `mitre-atlas:AML.T0018`."),
    "alias": Filter(Dimension.ALIAS, "Ids of the same event elsewhere, for example AIID-313."),
    "origin": Filter(Dimension.ORIGIN, "The node that published it."),
}
# What the catalogue adds: it changes without an entry of the log.
OF_CATALOGUE = frozenset({Dimension.BASE_MODEL, Dimension.LICENCE, Dimension.OPENNESS, Dimension.FORMAT})
MORE_FILTERS: Mapping[str, str] = {
    "q": 'Words, in web-search syntax: "a phrase", OR, -not.',
    "severity_min": "This severity or a higher one.",
    **{
        f"{column}_{end}": f"{what} {word} this day, month or year, or this second, which is included."
        for column, what in (("published", "First published"), ("modified", "Last changed"))
        for end, word in (("from", "from"), ("to", "until"))
    },
    "occurred_from": "May have occurred on this day or later; a month or a year means its first day.",
    "occurred_to": "May have occurred on this day or earlier; a month or a year means its last day.",
}
ARGUMENTS = frozenset({*FILTERS, *MORE_FILTERS})


@dataclass(frozen=True)
class Range:
    """The values of a column that are wanted, both ends included; None leaves an end open."""

    column: str
    first: date | datetime | None = None
    last: date | datetime | None = None


@dataclass(frozen=True)
class Wanted:
    """Which records. Of each group of tokens a record has at least one; nothing given restricts nothing.

    `groups` leaves the status out where nobody asked for one; withdrawn records are then not wanted.
    """

    q: str = ""
    groups: tuple[tuple[int, ...], ...] = ()
    any_status: bool = False
    ranges: tuple[Range, ...] = ()
    depends_on_catalogue: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether all records in force are wanted."""
        return not (self.q or self.groups or self.ranges)

    @property
    def tokens(self) -> tuple[int, ...]:
        """What every record wanted has."""
        return tuple(group[0] for group in self.groups if len(group) == 1)


# PostgreSQL reads each minus as a negation of what follows, and only so many within each other.
_MINUSES = re.compile(r"-(?:[^\w\"]*-)+")


def read_filters(given: Mapping[str, Sequence[str]]) -> Wanted:
    """The records that these arguments want, of those in ARGUMENTS. Raises BadFilterError."""
    listed = {name: _values(name, given[name]) if name in given else [] for name in FILTERS}
    single = {name: _single(name, given[name]) if name in given else "" for name in MORE_FILTERS}
    groups = [_group(name, listed) for name in FILTERS if listed[name] and not _is_in_model(name, listed)]
    if single["severity_min"]:
        groups.append(_from_severity(single["severity_min"]))
    return Wanted(
        q=_MINUSES.sub("-", single["q"]),
        groups=tuple(sorted(groups)),
        any_status=bool(listed["status"]),
        ranges=tuple(found for column in ("published", "modified", "occurred") for found in _ranges(column, single)),
        depends_on_catalogue=any(values and FILTERS[name].dimension in OF_CATALOGUE for name, values in listed.items()),
    )


def conditions(wanted: Wanted, number: int, *, each: bool = False) -> tuple[list[str], dict[str, Any]]:
    """What holds of the rows wanted, `AND` between, as the log stood at `number`: SQL on `incidents_searchrow`.

    With `each`, for rows that are read one after the other: most are excluded by their signature alone.
    """
    found = ["number <= %(number)s", "until > %(number)s"]
    values: dict[str, Any] = {"number": min(number, STANDS - 1)}
    if not wanted.any_status:
        found.append("in_force")
    if tokens := _token_conditions(wanted, values):
        found += [_where_signed(wanted, tokens, values)] if each else tokens
    if wanted.q:
        found.append("words @@ websearch_to_tsquery('english', %(q)s)")
        values["q"] = wanted.q
    for place, one in enumerate(wanted.ranges):
        for end, sign in (("first", ">="), ("last", "<=")):
            if (value := getattr(one, end)) is not None:
                found.append(f"{one.column} {sign} %({end}_{place})s")
                values[f"{end}_{place}"] = value
    return found, values


def _token_conditions(wanted: Wanted, values: dict[str, Any]) -> list[str]:
    """What holds of the tokens of rows wanted; the statement's values are added."""
    found = []
    if wanted.tokens:
        found.append("tokens @> %(tokens)s::bigint[]")
        values["tokens"] = list(wanted.tokens)
    for place, group in enumerate(group for group in wanted.groups if len(group) > 1):
        found.append(f"tokens && %(group_{place})s::bigint[]")
        values[f"group_{place}"] = list(group)
    return found


def _where_signed(wanted: Wanted, held: Sequence[str], values: dict[str, Any]) -> str:
    """What holds of the tokens, looked into only where the signature leaves it open: CASE alone keeps that order."""
    signed = [bits for group in wanted.groups if (bits := signature(group))]
    values |= {f"signature_{place}": bits for place, bits in enumerate(signed)}
    likely = [f"signature & %(signature_{place})s::bigint <> 0" for place in range(len(signed))]
    return f"CASE WHEN {' AND '.join(likely) or 'TRUE'} THEN {' AND '.join(held)} ELSE FALSE END"


def _values(name: str, given: Sequence[str]) -> list[str]:
    values = list(dict.fromkeys(part.strip() for text in given for part in text.split(",") if part.strip()))
    if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE or "\x00" in value for value in values):
        raise BadFilterError(
            gettext("%(name)s has more than %(most)s values, or one that is too long or holds a NUL.")
            % {"name": name, "most": MOST_VALUES}
        )
    allowed = FILTERS[name].allowed
    for value in values:
        if allowed and value not in allowed():
            raise BadFilterError(_is_one_of(name, sorted(allowed())))
        if name == "term":
            _refuse_unknown_term(value)
    return values


def _refuse_unknown_term(value: str) -> None:
    name, colon, code = value.partition(":")
    taxonomy = taxonomies().get(name)
    if not colon or taxonomy is None:
        raise BadFilterError(
            gettext("%(name)s is taxonomy:term, with a taxonomy of %(taxonomies)s.")
            % {"name": "term", "taxonomies": ", ".join(sorted(taxonomies()))}
        )
    if taxonomy.complete and taxonomy.term(code) is None:
        raise BadFilterError(
            gettext("The taxonomy %(name)s has no term %(term)r; /api/v1/taxonomies/%(name)s lists them.")
            % {"name": name, "term": code}
        )


def _single(name: str, given: Sequence[str]) -> str:
    values = [value.strip() for value in given if value.strip()]
    if len(values) > 1 or any(len(value) > LONGEST_VALUE or "\x00" in value for value in values):
        raise BadFilterError(
            gettext("%(name)s was given more than once, is too long, or holds a NUL.") % {"name": name}
        )
    return values[0] if values else ""


def _is_in_model(name: str, listed: Mapping[str, list[str]]) -> bool:
    """Whether the filter by model says it already: then the model lives on that hub."""
    return name == "hub" and bool(listed["model"])


def _group(name: str, listed: Mapping[str, list[str]]) -> tuple[int, ...]:
    if name == "model" and listed["hub"]:
        names = (f"{hub}/{model}" for hub in listed["hub"] for model in listed["model"])
        return _tokens(Dimension.MODEL_ON_HUB, names)
    if name == "licence":
        return _tokens(Dimension.LICENCE, map(licence_wanted, listed[name]))
    return _tokens(FILTERS[name].dimension, listed[name])


def _is_one_of(name: str, allowed: Iterable[str]) -> str:
    return gettext("%(name)s is one of %(values)s.") % {"name": name, "values": ", ".join(allowed)}


def _wrong_range(column: str) -> str:
    names = {"first": f"{column}_from", "last": f"{column}_to"}
    if column == "occurred":
        return gettext("%(first)s and %(last)s are a day, a month or a year, as 2026-03-01, 2026-03 or 2026.") % names
    return (
        gettext(
            "%(first)s and %(last)s are a day, a month or a year, as 2026-03-01, 2026-03 or 2026, or a moment, as "
            "2026-03-01T10:00:00Z."
        )
        % names
    )


def _from_severity(least: str) -> tuple[int, ...]:
    severities = [severity.value for severity in Severity]
    if least not in severities:
        raise BadFilterError(_is_one_of("severity_min", severities))
    return _tokens(Dimension.SEVERITY, severities[severities.index(least) :])


def _tokens(dimension: Dimension, values: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({token(dimension, value) for value in values}))


def _ranges(column: str, single: Mapping[str, str]) -> Iterable[Range]:
    first, last = single[f"{column}_from"], single[f"{column}_to"]
    if not first and not last:
        return
    try:
        if column != "occurred":
            yield Range(f"{column}_at", first_moment(first) if first else None, last_moment(last) if last else None)
            return
        earliest, latest = first_day(first) if first else None, last_day(last) if last else None
    except ValueError as error:
        raise BadFilterError(_wrong_range(column)) from error
    # A record's own date may be a year: it begins at most so early. One without a date is in no range.
    since = date(earliest.year, 1, 1) if earliest else UNKNOWN_DAY.replace(day=2)
    yield Range("occurred_first", since, latest)
    yield Range("occurred_last", earliest)
