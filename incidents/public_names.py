"""The models the public may see, as a list: those that are shown, and names that records use and no hub has confirmed.

A page of it costs a fixed number of queries. What only a pending report names is in neither half.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.hub import Reference, hubs
from catalogue.lineage import ancestors_of, descendants
from catalogue.models import Model
from incidents import concerned
from incidents.concerned import Counted, all_rows
from incidents.facts import organisation_of
from incidents.record import AffectedStatus, Status
from lib.cursors import read_cursor, write_cursor

MOST_PER_PAGE = 100


@dataclass(frozen=True)
class Wanted:
    """Which models; an empty field does not restrict. `openness` maps dimensions to values.

    `organisation` is hub/organisation; `base` a public model, of whose descendants the list then is.
    """

    q: str = ""
    hub: str = ""
    organisation: str = ""
    base: Model | None = None
    licence: str = ""
    openness: tuple[str, str] | None = None
    has_incidents: bool | None = None


@dataclass(frozen=True)
class ListedModel:
    """One model of the list. `licence` and `openness` are of the hub's last answer; empty before there is one."""

    hub: str
    name: str
    stable_id: str
    purl: str
    organisation: str
    licence: str
    openness: Mapping[str, str]
    direct: Counted
    inherited: Counted


@dataclass(frozen=True)
class Page:
    """Models by hub and name, and the cursor of the page after ("" at the end)."""

    models: list[ListedModel]
    next: str


_PAGE = """
SELECT id, hub, key, name, stable_id, licence, traits, concerned, incidents FROM (
    (SELECT model.id, model.hub, model.name_key AS key, model.name, COALESCE(model.stable_id, '') AS stable_id,
        COALESCE(openness.licence, '') AS licence, openness.traits, 0 AS concerned, 0 AS incidents
    FROM catalogue_model model LEFT JOIN catalogue_openness openness ON openness.model_id = model.id
    WHERE model.shown AND (model.hub, model.name_key) > (%(hub_after)s, %(name_after)s) {shown}
    ORDER BY model.hub, model.name_key LIMIT %(limit)s)
  UNION ALL
    (SELECT NULL, named.hub, named.name_key, named.name, '', '', NULL, named.concerned, (
            SELECT COUNT(DISTINCT affected.incident_id) FROM incidents_affected affected
            JOIN incidents_fact fact ON fact.incident_id = affected.incident_id AND fact.kind = 'incident'
                AND fact.status <> %(withdrawn)s
            WHERE affected.hub = named.hub AND affected.name_key = named.name_key
                AND affected.status <> %(not_affected)s
        )
    FROM incidents_recordedname named
    WHERE (named.hub, named.name_key) > (%(hub_after)s, %(name_after)s) AND named.hub = ANY(%(hubs)s)
        AND NOT EXISTS (
            SELECT FROM catalogue_alias alias JOIN catalogue_model model ON model.id = alias.model_id AND model.shown
            WHERE alias.hub = named.hub AND alias.name_key = named.name_key
        ) {named}
    ORDER BY named.hub, named.name_key LIMIT %(limit)s)
) each
ORDER BY hub, key LIMIT %(limit)s
"""
_CONCERNED = """(EXISTS (
    SELECT FROM catalogue_alias alias
    JOIN incidents_recordedname named ON named.hub = alias.hub AND named.name_key = alias.name_key
    WHERE alias.model_id = model.id AND named.concerned > 0
) OR EXISTS (
    SELECT FROM incidents_affected affected
    JOIN incidents_fact fact ON fact.incident_id = affected.incident_id AND fact.status <> %(withdrawn)s
    WHERE affected.hub = model.hub AND affected.stable_id = model.stable_id AND affected.status <> %(not_affected)s
))"""


def find(wanted: Wanted, *, after: str = "", limit: int = 50) -> Page:
    """The models wanted, by hub and name without letter case, from the cursor `after` on. Raises BadCursorError."""
    walk = f"models {wanted}"
    hub, name = read_cursor(walk, after) if after else ("", "")
    shown, named, values = _conditions(wanted)
    values |= {"hub_after": hub, "name_after": name, "limit": limit + 1, "hubs": sorted(hubs())}
    rows = all_rows(_PAGE.format(shown=_and(shown), named=_and(named)), values)
    here = rows[:limit]
    models = [row[0] for row in here if row[0] is not None]
    direct, inherited = concerned.direct(models), concerned.inherited(ancestors_of(models))
    listed = [_listed(row, direct, inherited) for row in here]
    return Page(listed, write_cursor(walk, here[-1][1], here[-1][2]) if len(rows) > limit else "")


def _and(conditions: Sequence[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)


def _conditions(wanted: Wanted) -> tuple[list[str], list[str], dict[str, Any]]:
    """What is asked of models that are shown, of mere names, and the values."""
    shown, named = [], []
    values: dict[str, Any] = {"not_affected": AffectedStatus.NOT_AFFECTED, "withdrawn": Status.WITHDRAWN}
    if wanted.q:
        shown.append("model.name_key LIKE %(q)s")
        named.append("named.name_key LIKE %(q)s")
        values["q"] = f"%{_escaped(wanted.q.lower())}%"
    if wanted.hub:
        shown.append("model.hub = %(hub)s")
        named.append("named.hub = %(hub)s")
        values["hub"] = wanted.hub
    if wanted.organisation:
        shown.append("model.hub || '/' || model.name_key LIKE %(within)s")
        named.append("named.organisation = %(organisation)s")
        values |= {"within": f"{_escaped(wanted.organisation)}/%", "organisation": wanted.organisation}
    if wanted.has_incidents is not None:
        shown.append(_CONCERNED if wanted.has_incidents else f"NOT {_CONCERNED}")
        named.append("named.concerned > 0" if wanted.has_incidents else "named.concerned = 0")
    known = _conditions_on_what_is_known(wanted, values)
    return [*shown, *known], [*named, *(["FALSE"] if known else [])], values


def _conditions_on_what_is_known(wanted: Wanted, values: dict[str, Any]) -> list[str]:
    """Conditions that no mere name can meet, for nothing is known of it."""
    conditions = []
    if wanted.base is not None:
        conditions.append("model.id = ANY(%(below)s)")
        values["below"] = sorted(descendants(wanted.base)) if wanted.base.pk else []
    if wanted.licence:
        conditions.append("openness.licence = %(licence)s")
        values["licence"] = wanted.licence.lower()
    if wanted.openness:
        conditions.append("openness.traits @> %(traits)s::jsonb")
        values["traits"] = json.dumps(dict([wanted.openness]))
    return conditions


def _escaped(text: str) -> str:
    """The text as LIKE takes it literally."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _listed(row: tuple[Any, ...], direct: Mapping[int, Counted], inherited: Mapping[int, Counted]) -> ListedModel:
    pk, hub, _, name, stable_id, licence, traits, count, incidents = row
    return ListedModel(
        hub=hub,
        name=name,
        stable_id=stable_id,
        purl=hubs()[hub].purl(Reference(hub, name)),
        organisation=organisation_of(hub, name),
        licence=licence,
        openness=json.loads(traits) if traits else {},
        direct=direct.get(pk, Counted()) if pk is not None else Counted(count, incidents),
        inherited=inherited.get(pk, Counted()) if pk is not None else Counted(),
    )
