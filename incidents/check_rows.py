"""What the database knows of the models a caller asks about: a fixed number of queries, however many are asked about.

It reads what is public and nothing else: names by the hub's present name of a model that is shown, or by a name that a
record in force uses; digests by records, or by snapshots of revisions that are public.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from incidents.record import Status
from lib import reading

Name = tuple[str, str]  # hub ("" for none) and name, without letter case

# Each LATERAL keeps its OFFSET 0: one look into an index for each hub or model that is asked for. For a thousand names
# the planner would rather read whole tables, at a cost that grows with all that is on record.
# The names are one JSON text: both sides read it several times as quickly as an array of as many.
_ASKED = """asked AS (
    SELECT each.key AS hub, ARRAY(SELECT json_array_elements_text(each.value)) AS keys
    FROM json_each(%(names)s::json) AS each
)"""
_MODELS = """
WITH {asked}, named AS (
    SELECT DISTINCT asked.hub, there.name_key AS key, there.stable_id FROM asked, LATERAL (
        SELECT affected.name_key, affected.stable_id FROM incidents_affected affected
        JOIN incidents_incident incident ON incident.id = affected.incident_id AND incident.status <> %(gone)s
        WHERE affected.hub = asked.hub AND affected.name_key = ANY(asked.keys) OFFSET 0
    ) AS there WHERE asked.hub <> ''
)
SELECT asked.hub, model.name_key, model.id, model.hub, model.name FROM asked, LATERAL (
    SELECT id, hub, name, name_key FROM catalogue_model
    WHERE hub = asked.hub AND name_key = ANY(asked.keys) AND shown OFFSET 0
) AS model WHERE asked.hub <> ''
UNION
SELECT named.hub, named.key, model.* FROM named, LATERAL (
    SELECT model.id, model.hub, model.name
    FROM catalogue_alias alias JOIN catalogue_model model ON model.id = alias.model_id
    WHERE alias.hub = named.hub AND alias.name_key = named.key OFFSET 0
) AS model
UNION
SELECT named.hub, named.key, model.* FROM named, LATERAL (
    SELECT id, hub, name FROM catalogue_model WHERE hub = named.hub AND stable_id = named.stable_id OFFSET 0
) AS model
"""

# Only default branches and revisions that a record names: that we hold another one tells that somebody reported it.
_FILES = """
SELECT DISTINCT file.sha256, model.id, snapshot.revision, file.path, model.hub, model.name
FROM catalogue_weightfile file
JOIN catalogue_snapshot snapshot ON snapshot.id = file.snapshot_id AND NOT snapshot.private
JOIN catalogue_model model ON model.id = snapshot.model_id AND model.shown
WHERE file.sha256 = ANY(%(digests)s)
  AND (snapshot.revision_asked = '' OR EXISTS (
      SELECT FROM incidents_affected affected
      JOIN incidents_incident incident ON incident.id = affected.incident_id AND incident.status <> %(gone)s
      WHERE affected.hub = model.hub AND affected.stable_id = model.stable_id
        AND affected.revision = snapshot.revision))
"""

_ROWS = """
WITH {asked},
wanted AS (SELECT * FROM unnest(%(models)s::bigint[]) AS wanted(id)),
file AS (SELECT * FROM unnest(%(digests)s::varchar[]) AS file(digest)),
found AS (
    SELECT there.id, asked.hub, there.name_key AS key, NULL::bigint AS model, NULL AS digest FROM asked, LATERAL (
        SELECT id, name_key FROM incidents_affected WHERE hub = asked.hub AND name_key = ANY(asked.keys) OFFSET 0
    ) AS there
  UNION
    SELECT there.id, NULL, NULL, wanted.id, NULL FROM wanted, LATERAL (
        SELECT hub, name_key FROM catalogue_alias WHERE model_id = wanted.id OFFSET 0
    ) AS alias, LATERAL (
        SELECT id FROM incidents_affected WHERE hub = alias.hub AND name_key = alias.name_key OFFSET 0
    ) AS there
  UNION
    SELECT there.id, NULL, NULL, wanted.id, NULL FROM wanted, LATERAL (
        SELECT hub, stable_id FROM catalogue_model WHERE id = wanted.id AND stable_id <> '' OFFSET 0
    ) AS model, LATERAL (
        SELECT id FROM incidents_affected WHERE hub = model.hub AND stable_id = model.stable_id OFFSET 0
    ) AS there
  UNION
    SELECT there.id, NULL, NULL, NULL, file.digest FROM file, LATERAL (
        SELECT id FROM incidents_affected WHERE file_digests @> ARRAY[file.digest] OFFSET 0
    ) AS there
)
SELECT found.hub, found.key, found.model, found.digest,
       affected.id, affected.hub, affected.name, affected.revision, affected.status, affected.file_paths,
       incident.id, incident.public_id, incident.title, incident.status, incident.kind, incident.category,
       incident.severity, incident.modified_at
FROM found, LATERAL (SELECT * FROM incidents_affected WHERE id = found.id OFFSET 0) AS affected,
LATERAL (
    SELECT * FROM incidents_incident WHERE id = affected.incident_id AND status <> %(gone)s OFFSET 0
) AS incident
ORDER BY incident.id DESC, affected.id
"""

_HEADS = """
SELECT model.id, snapshot.revision, snapshot.private, GREATEST(snapshot.taken_at, (
    SELECT MAX(lookup.answered_at) FROM catalogue_lookup lookup JOIN catalogue_alias alias ON alias.id = lookup.alias_id
    WHERE alias.model_id = model.id AND lookup.revision = '' AND alias.name_key = model.name_key))
FROM unnest(%(models)s::bigint[]) AS wanted(id), LATERAL (
    SELECT id, name_key FROM catalogue_model WHERE id = wanted.id AND shown OFFSET 0
) AS model, LATERAL (
    SELECT revision, private, taken_at FROM catalogue_snapshot WHERE model_id = wanted.id AND revision_asked = ''
    ORDER BY taken_at DESC, id DESC LIMIT 1
) AS snapshot
"""


@dataclass(frozen=True)
class KnownModel:
    """A model of the catalogue that the public may know of: primary key, hub and the hub's name for it."""

    pk: int
    hub: str
    name: str


@dataclass(frozen=True)
class KnownFile:
    """A file with the digest asked for: whose, at which commit, under which path."""

    model: KnownModel
    revision: str
    path: str


@dataclass(frozen=True)
class Head:
    """The commit of the default branch, and when the hub last said so."""

    revision: str
    at: datetime


class Concerned(NamedTuple):
    """That a record in force names a model: the record, and what it says of the model."""

    affected: int
    hub: str
    name: str
    revision: str
    status: str
    paths: tuple[str, ...]
    incident: int
    public_id: str
    title: str
    record_status: str
    kind: str
    category: str
    severity: str
    modified: datetime


@dataclass(frozen=True)
class Rows:
    """Records by what led to them."""

    by_name: dict[Name, list[Concerned]]
    by_model: dict[int, list[Concerned]]
    by_digest: dict[str, list[Concerned]]


def models_named(names: Collection[Name]) -> dict[Name, list[KnownModel]]:
    """The models these names are, as far as the public may know. One query."""
    found: dict[Name, list[KnownModel]] = {}
    for hub, key, *model in _all(_MODELS.format(asked=_ASKED), {"names": _by_hub(names), "gone": Status.WITHDRAWN}):
        found.setdefault((hub, key), []).append(KnownModel(*model))
    return found


def files_with(digests: Collection[str]) -> dict[str, list[KnownFile]]:
    """The weight files with these SHA-256 digests (64 hex digits) in snapshots of what is public. One query."""
    found: dict[str, list[KnownFile]] = {}
    asked = {"digests": list(digests), "gone": Status.WITHDRAWN}
    for digest, pk, revision, path, hub, name in _all(_FILES, asked):
        found.setdefault(digest, []).append(KnownFile(KnownModel(pk, hub, name), revision, path))
    return found


def records_on(names: Collection[Name], models: Collection[int], digests: Collection[str]) -> Rows:
    """The records in force that name these names, these models (by any of their names), or these files. One query."""
    rows = Rows({}, {}, {})
    asked = {"names": _by_hub(names), "models": list(models), "digests": list(digests), "gone": Status.WITHDRAWN}
    for hub, key, model, digest, *values in _all(_ROWS.format(asked=_ASKED), asked):
        affected, about, name, revision, status, paths, *record = values
        row = Concerned(affected, about, name, revision, status, tuple(paths), *record)
        if model is not None:
            rows.by_model.setdefault(model, []).append(row)
        elif digest is not None:
            rows.by_digest.setdefault(digest, []).append(row)
        else:
            rows.by_name.setdefault((hub, key), []).append(row)
    return rows


def names_of(models: Collection[int]) -> dict[int, str]:
    """The hub's names for these models, by primary key. One query."""
    return dict(_all("SELECT id, name FROM catalogue_model WHERE id = ANY(%(models)s)", {"models": list(models)}))


def heads_of(models: Collection[int]) -> dict[int, Head]:
    """Where the default branch of these models pointed when the hub was last asked; private repositories left out."""
    rows = _all(_HEADS, {"models": list(models)})
    return {pk: Head(revision, at) for pk, revision, private, at in rows if revision and not private}


def _by_hub(names: Iterable[Name]) -> str:
    """`{hub: [name, ...]}` as JSON."""
    keys: dict[str, list[str]] = {}
    for hub, key in names:
        keys.setdefault(hub, []).append(key)
    return json.dumps(keys)


def _all(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with reading.connection().cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
