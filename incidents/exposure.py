"""Rates: incidents against how much the models were used, as far as the public record knows both.

Numerator: events with a record of the kind incident in force that concerns a model of the group, published in a month
for which that model's use is known. Denominator: the model's downloads summed over the same months, each month by its
last public week, whose count is of the 30 days before. Both are of the months before the present one.

A rate is withheld where it is too uncertain to be read: fewer than 10 events, or a 95 % interval wider than 160 % of
the rate. That is the rule for rates from vital statistics in the data presentation standards of the National Center for
Health Statistics (Vital and Health Statistics, Series 2, number 200, 2023). Intervals are exact (Garwood 1936).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from catalogue.lineage import ancestors_of, descendants_of
from catalogue.models import Model
from incidents.concerned import NAMED, all_rows, values_for
from incidents.facts import organisation_of
from incidents.models import RecordedName
from lib.intervals import poisson_interval, relative_width

GROUPS = ("family", "organisation", "model")
MOST_GROUPS = 20
MOST_CONSIDERED = 200
MOST_MONTHS = 24
FEWEST_EVENTS = 10
# Why there is no rate.
WITHHELD = ("no use is known of its models", f"fewer than {FEWEST_EVENTS} events while use is known")
WIDEST = 1.6
PER_DOWNLOADS = 1_000_000

Key = tuple[str, str]  # the hub, and the name of a base, an organisation or a model


@dataclass(frozen=True)
class Rate:
    """Incidents of one group, what they stand against, and the rates, or why there are none.

    `months` counts pairs of a model and a month whose use is known. `downloads_rate` is events per million downloads,
    `models_rate` all events of the group per model of it, each with its 95 % interval; None where withheld.
    """

    hub: str
    name: str
    models: int
    events: int
    exposed_events: int
    months: int
    downloads: int
    downloads_rate: tuple[float, float, float] | None
    models_rate: tuple[float, float, float] | None
    withheld: str


@dataclass(frozen=True)
class _Seen:
    """What is known of models by primary key: months of use, and events with the month of their publication."""

    downloads: Mapping[int, Mapping[int, int]]
    events: Mapping[int, set[tuple[int, str]]]


def window(today: date) -> tuple[int, int]:
    """The first and the last month that count, as 202603."""
    last = today.year * 12 + today.month - 2
    first = last - MOST_MONTHS + 1
    return first // 12 * 100 + first % 12 + 1, last // 12 * 100 + last % 12 + 1


def rates(by: str, *, limit: int = 10) -> list[Rate]:
    """The groups with most incidents, most first: of the MOST_CONSIDERED models that most records concern."""
    named = _most_named()
    groups = _groups(by, named)[:limit]
    members = _members(by, groups)
    everyone = {pk for pks in members.values() for pk in pks}
    seen = _Seen(_downloads(everyone), _events(everyone))
    found = [_rate(group, members[group], seen) for group in groups]
    return sorted(found, key=lambda rate: (-rate.events, rate.hub, rate.name))


def _most_named() -> list[int]:
    """The public models that most records concern, by primary key."""
    rows = RecordedName.objects.filter(concerned__gt=0).order_by("-concerned", "name")[:MOST_CONSIDERED]
    asked = {"hubs": [row.hub for row in rows], "keys": [row.name_key for row in rows]}
    return [pk for (pk,) in all_rows(_MODELS, asked)]


_MODELS = """
SELECT DISTINCT model.id
FROM unnest(%(hubs)s::text[], %(keys)s::text[]) AS asked(hub, key)
JOIN catalogue_alias alias ON alias.hub = asked.hub AND LOWER(alias.name) = asked.key
JOIN catalogue_model model ON model.id = alias.model_id AND model.shown
"""


def _groups(by: str, named: Sequence[int]) -> list[Key]:
    """The groups of the models most named, by how many incidents concern those."""
    incidents = _events(named)
    found: dict[Key, set[str]] = defaultdict(set)
    for pk, keys in _keys(by, named).items():
        for key in keys:
            found[key] |= {event for _, event in incidents.get(pk, ())}
    return sorted(found, key=lambda key: (-len(found[key]), key))


def _keys(by: str, models: Iterable[int]) -> dict[int, list[Key]]:
    """The group or, of a merge from several families, the groups of each model."""
    above = ancestors_of(list(models)) if by == "family" else {}
    bases = {base for paths in above.values() for base in paths}
    beyond = ancestors_of(list(bases)) if by == "family" else {}
    rows = Model.objects.filter(shown=True).in_bulk([*models, *bases])
    keys: dict[int, list[Key]] = {}
    for pk in models:
        if by == "organisation":
            organisation = organisation_of(rows[pk].hub, rows[pk].name)
            keys[pk] = [(rows[pk].hub, organisation.partition("/")[2])] if organisation else []
        else:
            roots = [base for base in above.get(pk, {}) if base in rows and not beyond[base]] or [pk]
            keys[pk] = [(rows[root].hub, rows[root].name) for root in roots]
    return keys


def _members(by: str, groups: Sequence[Key]) -> dict[Key, list[int]]:
    """The public models of each group."""
    if by == "organisation":
        return _models_of_organisations(groups)
    roots = {(row.hub, row.name): row.pk for row in _by_names(groups)}
    below = descendants_of(list(roots.values())) if by == "family" else {}
    everyone = {pk for paths in below.values() for pk in paths} | set(roots.values())
    shown = set(Model.objects.filter(pk__in=everyone, shown=True).values_list("pk", flat=True))
    return {key: sorted(({roots[key], *below.get(roots[key], ())}) & shown) for key in groups}


def _by_names(keys: Sequence[Key]) -> Iterable[Model]:
    names = [name for _, name in keys]
    return [row for row in Model.objects.filter(shown=True, name__in=names) if (row.hub, row.name) in set(keys)]


def _models_of_organisations(groups: Sequence[Key]) -> dict[Key, list[int]]:
    statement = """
        SELECT model.hub, LOWER(split_part(model.name, '/', 1)), model.id FROM catalogue_model model
        WHERE model.shown AND model.name LIKE '%%/%%'
          AND (model.hub, LOWER(split_part(model.name, '/', 1))) IN (
              SELECT * FROM unnest(%(hubs)s::text[], %(names)s::text[])
          )
    """
    members: dict[Key, list[int]] = {key: [] for key in groups}
    asked = {"hubs": [hub for hub, _ in groups], "names": [name for _, name in groups]}
    for hub, name, pk in all_rows(statement, asked):
        members[hub, name].append(pk)
    return members


_EVENTS = """
SELECT named.model, fact.published, COALESCE('event ' || fact.event, 'record ' || fact.incident_id)
FROM named JOIN incidents_fact fact ON fact.incident_id = named.record
WHERE named.concerned AND fact.kind = %(incident)s
"""
# As with the public weeks of a model: since the day of its first record, the last count of each week; none where the
# hub said last that the repository is private.
_DOWNLOADS = """
, first AS (
    SELECT named.model, MIN((incident.published_at AT TIME ZONE 'UTC')::date) AS day
    FROM named JOIN incidents_incident incident ON incident.id = named.record
    GROUP BY named.model
),
week AS (
    SELECT DISTINCT ON (used.model_id, date_trunc('week', used.day))
        used.model_id AS model, date_trunc('week', used.day) AS monday, used.downloads
    FROM catalogue_usecount used
    JOIN first ON first.model = used.model_id AND used.day >= first.day
    JOIN LATERAL (
        SELECT snapshot.private FROM catalogue_snapshot snapshot
        WHERE snapshot.model_id = used.model_id AND snapshot.revision_asked = ''
        ORDER BY snapshot.taken_at DESC, snapshot.id DESC LIMIT 1
    ) latest ON NOT latest.private
    ORDER BY used.model_id, date_trunc('week', used.day), used.day DESC
)
SELECT DISTINCT ON (model, month) model, to_char(monday, 'YYYYMM')::int AS month, downloads
FROM week WHERE downloads IS NOT NULL
ORDER BY model, month, monday DESC
"""


def _downloads(models: Collection[int]) -> dict[int, dict[int, int]]:
    """Downloads by model and month."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for model, month, downloads in all_rows(NAMED + _DOWNLOADS, values_for(models)):
        found[model][month] = downloads
    return found


def _events(models: Collection[int]) -> dict[int, set[tuple[int, str]]]:
    """Events by model, each with the month of publication."""
    found: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for model, month, event in all_rows(NAMED + _EVENTS, values_for(models)):
        found[model].add((month, event))
    return found


def _rate(group: Key, members: Sequence[int], seen: _Seen) -> Rate:
    first, last = window(timezone.now().date())
    downloads, months = 0, 0
    exposed: set[str] = set()
    for pk in members:
        known = {month: count for month, count in seen.downloads.get(pk, {}).items() if first <= month <= last}
        downloads += sum(known.values())
        months += len(known)
        exposed |= {event for month, event in seen.events.get(pk, ()) if month in known}
    everything = {event for pk in members for _, event in seen.events.get(pk, ())}
    return Rate(
        hub=group[0],
        name=group[1],
        models=len(members),
        events=len(everything),
        exposed_events=len(exposed),
        months=months,
        downloads=downloads,
        downloads_rate=_per(len(exposed), downloads / PER_DOWNLOADS),
        models_rate=_per(len(everything), len(members)),
        withheld=_why_withheld(len(exposed), downloads),
    )


def _per(events: int, exposure: float) -> tuple[float, float, float] | None:
    """The rate with its interval, rounded to six digits; None where it is withheld."""
    if not exposure or _is_uncertain(events):
        return None
    lower, upper = poisson_interval(events)
    rate, low, high = (float(f"{value / exposure:.6g}") for value in (events, lower, upper))
    return rate, low, high


def _is_uncertain(events: int) -> bool:
    return events < FEWEST_EVENTS or relative_width(events) > WIDEST


def _why_withheld(events: int, downloads: int) -> str:
    no_use, too_few = WITHHELD
    if not downloads:
        return no_use
    return too_few if _is_uncertain(events) else ""
