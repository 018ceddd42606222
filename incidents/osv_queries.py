"""What OSV's service is asked: which records affect a package, a version of it, or a commit (google.github.io/osv.dev).

The matching is that of `incidents.checking`. OSV knows affected or not and nothing between, so an answer holds exactly
what the records say when they are read as OSV: with a version, the records that say of it that it is affected; without
one, all that name the model as affected or fixed. What is inherited from a base, or matches by name
alone, is no part of it: `/api/v1/check` answers that, and how sure it is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalogue.components import Exactness, Identity
from catalogue.hub import Reference
from incidents.checking import Answer, Level, Question, Verdict, check
from incidents.models import Incident
from incidents.record import AffectedStatus, Status
from lib import reading

_OF_ALL = frozenset({Verdict.AFFECTED, Verdict.POSSIBLY_AFFECTED, Verdict.FIXED})
_OF_A_VERSION = frozenset({Verdict.AFFECTED})
_SAID = frozenset({AffectedStatus.AFFECTED, AffectedStatus.FIXED})
_DIRECT = frozenset({Level.FILE, Level.REVISION, Level.UNIQUE_PREFIX, Level.BRANCH, Level.REPOSITORY})

# Commits that a record in force names, and those that default branches of models known to the public pointed at.
_AT_COMMITS = """
SELECT affected.revision, affected.hub, affected.name
FROM incidents_affected affected
JOIN incidents_incident incident ON incident.id = affected.incident_id AND incident.status <> %(gone)s
WHERE affected.revision = ANY(%(commits)s) AND affected.hub <> ''
UNION
SELECT snapshot.revision, model.hub, model.name
FROM catalogue_snapshot snapshot JOIN catalogue_model model ON model.id = snapshot.model_id
WHERE snapshot.revision = ANY(%(commits)s) AND snapshot.revision_asked = '' AND NOT snapshot.private AND model.shown
"""


@dataclass(frozen=True)
class Asked:
    """One query: a model at a revision or at all, or a commit of whatever model; neither for what is no model."""

    model: Reference | None = None
    commit: str = ""


@dataclass(frozen=True)
class Match:
    """A record that answers a query: primary key and public id, and when it was last changed."""

    incident: int
    public_id: str
    modified: datetime


def matches(queries: Sequence[Asked]) -> list[list[Match]]:
    """The records that answer each query, in the order of their making. A fixed number of database queries."""
    at_commits = _models_at({query.commit for query in queries if query.commit})
    answers = check([_question(query, at_commits) for query in queries])
    return [_matches(query, answer) for query, answer in zip(queries, answers, strict=True)]


def documents(pks: Collection[int]) -> dict[int, bytes]:
    """The current documents of these records. One query."""
    rows = Incident.objects.filter(pk__in=pks).values_list("pk", "document")
    return {pk: bytes(document) for pk, document in rows}


def _question(query: Asked, at_commits: dict[str, list[Reference]]) -> Question:
    models = at_commits.get(query.commit, []) if query.commit else [query.model] if query.model else []
    return Question("", tuple(Identity(Exactness.MODEL, "query", model.name, model) for model in models))


def _matches(query: Asked, answer: Answer) -> list[Match]:
    one_version = query.commit or (query.model and query.model.revision)
    wanted = _OF_A_VERSION if one_version else _OF_ALL
    direct = [one for one in answer.findings if one.level in _DIRECT and one.verdict in wanted]
    found = [one.record for one in direct if one.record.status in _SAID]
    return sorted((Match(one.incident, one.public_id, one.modified) for one in found), key=lambda one: one.incident)


def _models_at(commits: Collection[str]) -> dict[str, list[Reference]]:
    found: dict[str, list[Reference]] = {}
    if commits:
        with reading.connection().cursor() as cursor:
            cursor.execute(_AT_COMMITS, {"commits": list(commits), "gone": Status.WITHDRAWN})
            for commit, hub, name in cursor.fetchall():
                found.setdefault(commit, []).append(Reference(hub, name, commit))
    return found
