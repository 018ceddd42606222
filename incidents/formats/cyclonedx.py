"""CycloneDX 1.6 (ECMA-424): the models as components, the record as a vulnerability that affects some of them.

What CycloneDX has no word for stands in `properties` named `faultline:...`. A status is said of versions: of the
revision on record, of all of them (`vers:generic/*`) where none is known, and of those in which it was found fixed or
not affected. `analysis` is given only where one state holds for all models.
"""

import json
from collections.abc import Iterable
from typing import Any

from incidents.format import Format, Published, as_json, as_uri, beyond, named, prose
from incidents.record import AffectedModel, AffectedStatus, Record, Severity, Status

SPEC_VERSION = "1.6"
SEVERITIES = {
    Severity.UNKNOWN: "unknown",
    Severity.NEGLIGIBLE: "info",
    Severity.LOW: "low",
    Severity.MODERATE: "medium",
    Severity.HIGH: "high",
    Severity.CRITICAL: "critical",
}
_STATES = {
    AffectedStatus.AFFECTED: "exploitable",
    AffectedStatus.NOT_AFFECTED: "not_affected",
    AffectedStatus.FIXED: "resolved",
    AffectedStatus.UNDER_INVESTIGATION: "in_triage",
}
_ALL = "vers:generic/*"


def _bom(published: Published) -> dict[str, Any]:
    record = published.record
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{named('cyclonedx', record.id)}",
        "version": record.version,
        "metadata": {"timestamp": record.modified, "licenses": [{"license": {"id": record.licence}}]},
        "components": [_component(place, model) for place, model in enumerate(record.affected)],
        "vulnerabilities": [_vulnerability(published)],
    }


def _ref(place: int) -> str:
    return f"model-{place + 1}"


def _component(place: int, model: AffectedModel) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "machine-learning-model", "bom-ref": _ref(place), "name": model.name}
    if model.revision:
        component["version"] = model.revision
    if model.purl:
        component["purl"] = model.purl
    files = [
        {
            "type": "file",
            "bom-ref": f"{_ref(place)}-file-{number}",
            "name": file.path,
            **({"hashes": [{"alg": "SHA-256", "content": file.sha256}]} if file.sha256 else {}),
        }
        for number, file in enumerate(model.files, start=1)
    ]
    return {**component, "components": files} if files else component


def _vulnerability(published: Published) -> dict[str, Any]:
    record = published.record
    node = {"name": published.node.title, "url": published.page}
    vulnerability: dict[str, Any] = {
        "bom-ref": record.id,
        "id": record.id,
        "source": node,
        "references": [{"id": alias, "source": {"name": _database(alias)}} for alias in record.aliases],
        "ratings": [{"source": node, "severity": SEVERITIES[record.severity], "method": "other"}],
        "description": record.title,
        "detail": prose(published),
        "advisories": [
            {"title": record.title, "url": published.page},
            *({"title": source.title, "url": as_uri(source.url)} for source in record.references),
        ],
        "created": record.published,
        "published": record.published,
        "updated": record.modified,
        "affects": [_affects(place, model) for place, model in enumerate(record.affected)],
        "properties": list(_properties(published)),
    }
    if record.status is Status.WITHDRAWN:
        vulnerability["rejected"] = record.modified
    if state := _state(record):
        vulnerability["analysis"] = {"state": state, "lastUpdated": record.modified}
    return vulnerability


def _state(record: Record) -> str:
    if record.status is Status.WITHDRAWN:
        return ""
    states = {_STATES[model.status] for model in record.affected}
    return states.pop() if len(states) == 1 else ""


def _affects(place: int, model: AffectedModel) -> dict[str, Any]:
    good = dict.fromkeys([*model.fixed_in, *model.not_affected_in])
    versions = [
        {**({"version": model.revision} if model.revision else {"range": _ALL}), "status": _status(model)},
        *({"version": revision, "status": "unaffected"} for revision in good if revision != model.revision),
    ]
    return {"ref": _ref(place), "versions": versions}


def _status(model: AffectedModel) -> str:
    """Of the revision on record, or of all. That one revision is fixed does not tell of the others."""
    if model.status is AffectedStatus.AFFECTED:
        return "affected"
    fixed = model.status is AffectedStatus.FIXED and model.revision
    return "unaffected" if fixed or model.status is AffectedStatus.NOT_AFFECTED else "unknown"


def _database(alias: str) -> str:
    return alias.partition("-")[0] or alias


def _properties(published: Published) -> Iterable[dict[str, str]]:
    said = ("title", "description", "summary", "published", "modified", "id", "licence")
    for name, value in beyond(published, *said).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if value not in (None, "", []):
            yield {"name": f"faultline:{name}", "value": text}


FORMAT = Format(
    title="CycloneDX",
    media_type=f"application/vnd.cyclonedx+json; version={SPEC_VERSION}",
    suffix="cdx.json",
    one=lambda published: as_json(_bom(published)),
    extension="`properties`",
)
