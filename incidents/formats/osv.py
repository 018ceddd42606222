"""OSV (Open Source Vulnerability format, schema 1.7.5, ossf.github.io/osv-schema).

The schema registers no ecosystem for models, but a repository of a hub that speaks git is a git repository: such a
model is a `GIT` range of its repository, with its package URL. A model elsewhere is an entry without a package. The
schema's severity is CVSS alone, so ours stands in `database_specific` with all else that OSV has no word for. Ids have
the prefix `x_`, which the schema keeps for databases that are not registered.

OSV can say that a model is affected, from where and until where, and nothing else: models that a record names as not
affected or under investigation stand in `database_specific.affected` alone.
"""

import re
from typing import Any
from urllib.parse import quote

from catalogue.purls import UnreadablePurlError, build, parse
from incidents.format import Format, Published, as_json, as_uri, beyond, prose
from incidents.record import AffectedModel, AffectedStatus, Record, Status

SCHEMA_VERSION = "1.7.5"
PREFIX = "x_"
ECOSYSTEM = "GIT"
# Where the hubs that speak git are cloned from, by slug.
_REPOSITORIES = {
    "github": "https://github.com/{}",
    "huggingface": "https://huggingface.co/{}",
    "modelscope": "https://www.modelscope.cn/{}.git",
}
_SAID = frozenset({AffectedStatus.AFFECTED, AffectedStatus.FIXED})
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def osv(published: Published) -> dict[str, Any]:
    """The record as an OSV document."""
    record = published.record
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "id": PREFIX + record.id,
        "modified": record.modified,
        "published": record.published,
        "aliases": list(record.aliases),
        "summary": record.title,
        "details": prose(published),
        "affected": _affected(record),
        "references": [
            {"type": "ADVISORY", "url": published.page},
            *({"type": "WEB", "url": as_uri(source.url)} for source in record.references),
        ],
        "database_specific": beyond(published, "modified", "published", "aliases", "title"),
    }
    if record.superseded_by:
        document["related"] = [PREFIX + record.superseded_by]
    if record.status is Status.WITHDRAWN:
        document["withdrawn"] = record.modified
    return document


def public_id(identifier: str) -> str:
    """The public id in an OSV id of ours; any other text as it is."""
    return identifier[len(PREFIX) :] if identifier.lower().startswith(PREFIX) else identifier


def repository(hub: str, name: str) -> str:
    """The address a model is cloned from; "" where its hub does not speak git."""
    return _REPOSITORIES[hub].format(quote(name)) if hub in _REPOSITORIES else ""


def in_ecosystem(record: Record) -> bool:
    """Whether the record has an entry under `ECOSYSTEM`."""
    return any("package" in entry for entry in _affected(record))


def _affected(record: Record) -> list[dict[str, Any]]:
    """An entry for each model that is said to be affected, or fixed."""
    models: dict[tuple[str, str], list[AffectedModel]] = {}
    for model in record.affected:
        if model.status in _SAID:
            models.setdefault((model.hub or "", model.name.lower()), []).append(model)
    return [_entry(same) for same in models.values()]


def _entry(models: list[AffectedModel]) -> dict[str, Any]:
    """What is said of one model. Of one that is fixed, nobody knows where, it is said that it is named, and no more."""
    flawed = [model for model in models if model.status is AffectedStatus.AFFECTED]
    fixed = _fixed_in(models)
    first = (flawed or models)[0]
    about = {"hub": first.hub, "name": first.name, "match": first.match, "purl": first.purl}
    entry: dict[str, Any] = {"database_specific": {key: value for key, value in about.items() if value}}
    revisions = dict.fromkeys(model.revision for model in flawed if model.revision)
    if revisions:
        entry["versions"] = list(revisions)
    if address := repository(first.hub or "", first.name):
        entry["package"] = {"ecosystem": ECOSYSTEM, "name": address, **_purl(first)}
        whole = any(not model.revision for model in flawed) or (not flawed and fixed)
        starts = ["0"] if whole else [revision for revision in revisions if _COMMIT.fullmatch(revision)]
        ranges = [{"type": "GIT", "repo": address, "events": _events(start, fixed)} for start in starts]
        entry |= {"ranges": ranges} if ranges else {}
    return entry


def _fixed_in(models: list[AffectedModel]) -> list[str]:
    """The commits in which it is fixed, each once."""
    own = [model.revision for model in models if model.status is AffectedStatus.FIXED]
    named = [revision for model in models for revision in model.fixed_in]
    return [revision for revision in dict.fromkeys([*own, *named]) if revision and _COMMIT.fullmatch(revision)]


def _events(start: str, fixed: list[str]) -> list[dict[str, str]]:
    """From the commit on record, or the beginning, up to the fixes; without one that commit alone, or all there is."""
    ends = [{"fixed": commit} for commit in fixed if commit != start]
    if not ends and start != "0":
        ends = [{"last_affected": start}]
    return [{"introduced": start}, *ends]


def _purl(model: AffectedModel) -> dict[str, str]:
    """The package URL of all revisions: OSV's has no version."""
    try:
        parsed = parse(model.purl or "")
        whole = type(parsed)(parsed.type, parsed.namespace, parsed.name, qualifiers=parsed.qualifiers)
        return {"purl": build(whole)}
    except UnreadablePurlError:
        return {}


FORMAT = Format(
    title="OSV",
    media_type="application/x.osv+json",
    suffix="osv.json",
    one=lambda published: as_json(osv(published)),
    extension="`database_specific`",
)
