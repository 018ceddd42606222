"""Organisations: whose models records in force name, or derive from. Known by the first part of a repository's name.

What counts here is what records say: an organisation that was renamed keeps the records that name it as it was called.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from catalogue.hub import hubs
from catalogue.models import Model
from incidents import public_names, statistics
from incidents.concerned import Counted, all_rows
from incidents.models import Fact, RecordedName
from incidents.public_models import Said
from incidents.public_names import Wanted
from incidents.record import Kind, Status
from incidents.statistics import Cell, Counts
from lib.cursors import read_cursor, write_cursor

MOST_STATEMENTS = 50
MOST_VALUES = 200
DIMENSIONS = ("category", "severity", "published_year", "kind")


@dataclass(frozen=True)
class Listed:
    """One organisation of the list: how many public models it has, and how many records concern one."""

    hub: str
    name: str
    models: int
    counted: Counted


@dataclass(frozen=True)
class Page:
    """Organisations by hub and name, and the cursor of the page after ("" at the end)."""

    organisations: list[Listed]
    next: str


@dataclass(frozen=True)
class Organisation:
    """What is public of an organisation as of that entry of the log.

    `events` are incidents that concern a model of it, each once; the counts of events are by category, severity, the
    year of publication, and by kind, where those that are no incidents stand too. `models` are the first by name.
    """

    hub: str
    name: str
    log_number: int
    events: int
    records: int
    by: Mapping[str, tuple[Cell, ...]]
    models: public_names.Page
    statements: tuple[Said, ...]


# The first of each half in its own order; only what is on the page is counted. A name that leads to a public model is
# counted as that model, under the organisation it has now.
_MODELS = """
WITH shown AS (
    SELECT model.hub || '/' || split_part(model.name_key, '/', 1) AS organisation
    FROM catalogue_model model WHERE model.shown AND model.name LIKE '_%%/%%'
),
page AS (
    (SELECT DISTINCT organisation FROM incidents_recordedname
    WHERE organisation > %(after)s AND organisation <> '' AND (%(hub)s = '' OR hub = %(hub)s)
    ORDER BY organisation LIMIT %(limit)s)
  UNION
    (SELECT DISTINCT organisation FROM shown
    WHERE organisation > %(after)s AND (%(hub)s = '' OR starts_with(organisation, %(hub)s || '/'))
    ORDER BY organisation LIMIT %(limit)s)
    ORDER BY organisation LIMIT %(limit)s
)
SELECT page.organisation, COALESCE(confirmed.models, 0) + COALESCE(named.models, 0)
FROM page
LEFT JOIN (SELECT organisation, COUNT(*) AS models FROM shown GROUP BY organisation) confirmed USING (organisation)
LEFT JOIN LATERAL (
    SELECT COUNT(*) AS models FROM incidents_recordedname name
    WHERE name.organisation = page.organisation AND NOT EXISTS (
        SELECT FROM catalogue_alias alias JOIN catalogue_model model ON model.id = alias.model_id AND model.shown
        WHERE alias.hub = name.hub AND alias.name_key = name.name_key
    )
) named ON TRUE
ORDER BY page.organisation
"""
_COUNTS = """
SELECT each.organisation, COUNT(*), COUNT(*) FILTER (WHERE fact.kind = %(incident)s)
FROM incidents_fact fact CROSS JOIN LATERAL unnest(fact.organisations) AS each(organisation)
WHERE fact.organisations && %(organisations)s::varchar[] AND fact.status <> %(withdrawn)s
GROUP BY each.organisation
"""


def find(*, hub: str = "", after: str = "", limit: int = 50) -> Page:
    """Organisations by hub and name, from the cursor `after` on. Two queries. Raises BadCursorError."""
    walk = f"organisations {hub}"
    (last,) = read_cursor(walk, after) if after else ("",)
    rows = all_rows(_MODELS, {"after": last, "hub": hub, "limit": limit + 1})
    here = dict(rows[:limit])
    values = {"organisations": list(here), "incident": Kind.INCIDENT, "withdrawn": Status.WITHDRAWN}
    counted = {name: Counted(*numbers) for name, *numbers in all_rows(_COUNTS, values)}
    listed = []
    for key, models in here.items():
        of_hub, _, name = key.partition("/")
        listed.append(Listed(of_hub, name, models, counted.get(key, Counted())))
    return Page(listed, write_cursor(walk, list(here)[-1]) if len(rows) > limit else "")


def organisation(hub: str, name: str) -> Organisation | None:
    """One organisation, letter case aside; None where nothing public is of it. Raises statistics.TooMuchWorkError."""
    key = f"{hub}/{name.lower()}"
    if hub not in hubs() or "\x00" in name or "/" in name or not _is_public(hub, name.lower(), key):
        return None
    counts = _counts(key)
    whole = counts["category"]
    return Organisation(
        hub=hub,
        name=name.lower(),
        log_number=whole.log_number,
        events=whole.events,
        records=whole.records,
        by={dimension: counts[dimension].cells for dimension in DIMENSIONS},
        models=public_names.find(Wanted(hub=hub, organisation=key), limit=public_names.MOST_PER_PAGE),
        statements=tuple(_statements(key)),
    )


def _counts(key: str) -> dict[str, Counts]:
    """The organisation's counts by each dimension, all of one moment unless publications never pause."""
    counts: dict[str, Counts] = {}
    for _ in range(3):
        counts = {
            dimension: statistics.count(statistics.query_of([dimension], {"organisation": key}, values=MOST_VALUES))
            for dimension in DIMENSIONS
        }
        if len({each.log_number for each in counts.values()}) == 1:
            break
    return counts


def _is_public(hub: str, name: str, key: str) -> bool:
    named = RecordedName.objects.filter(organisation=key).exists()
    shown = Model.objects.filter(Q(hub=hub), Q(name_key__startswith=f"{name}/"), shown=True).exists()
    return named or shown


def _statements(key: str) -> Iterable[Said]:
    """What publishers say in the newest records that concern a model of the organisation and print any."""
    facts = Fact.objects.filter(organisations__contains=[key], statements__gt=0).exclude(status=Status.WITHDRAWN)
    for fact in facts.select_related("incident").order_by("-incident__published_at", "-pk")[:MOST_STATEMENTS]:
        for said in json.loads(bytes(fact.incident.document))["statements"]:
            about = [one for one in said["statuses"] if f"{one['hub']}/{one['name'].lower()}".startswith(f"{key}/")]
            yield Said(fact.incident.public_id, said["by"], said["at"], said["text"], tuple(about))
