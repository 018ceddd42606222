"""A STIX 2.1 bundle (OASIS Standard, 10 June 2021).

A `report` says who published what and when, and refers to the rest: each model is a `software` object (each of its
files a `file`), what happened an `incident`, a flaw that was found or shown a `vulnerability`. STIX has no word for our
severity, evidence or match, nor for a status of a model: the document stands in a property extension (7.3), and a
relationship `related-to` says the status in its description.

Ids are UUIDv5 and so the same on every node: of observables as the standard says (2.9), of the rest in a namespace of
ours.
"""

import re
import uuid
from collections.abc import Iterable
from typing import Any

from incidents.format import Format, Published, as_json, as_uri, beyond, named, prose
from incidents.record import MEANINGS, AffectedModel, AffectedStatus, Confidence, Kind, Status
from lib.canonical import canonical_bytes

# STIX 2.1, 2.9: the namespace of deterministic ids of observables.
_OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
# STIX 2.1, appendix A: None / Low / Med / High.
_CONFIDENCE = {Confidence.LOW: 15, Confidence.MEDIUM: 50, Confidence.HIGH: 85}
_REPORT_TYPES = {
    Kind.INCIDENT: "threat-report",
    Kind.HAZARD: "vulnerability",
    Kind.EXERCISE: "vulnerability",
    Kind.MEASUREMENT: "threat-report",
}
_SUBJECTS = {Kind.INCIDENT: "incident", Kind.HAZARD: "vulnerability", Kind.EXERCISE: "vulnerability"}
_PREFIX = re.compile(r"([A-Za-z]+)-")
_EXTENSION = f"extension-definition--{named('stix', 'extension')}"
_DEFINED = "2026-01-01T00:00:00.000Z"
_AUTHOR = {
    "type": "identity",
    "spec_version": "2.1",
    "id": f"identity--{named('stix', 'faultline')}",
    "created": _DEFINED,
    "modified": _DEFINED,
    "name": "Faultline",
    "identity_class": "organization",
}


def _bundle(published: Published) -> dict[str, Any]:
    record, node = published.record, published.node
    publisher = {
        **_AUTHOR,
        "id": f"identity--{named('stix', 'node', record.origin)}",
        "name": record.origin,
        "contact_information": f"{node.address}/",
    }
    common: dict[str, Any] = {
        "spec_version": "2.1",
        "created_by_ref": publisher["id"],
        "created": _instant(record.published),
        "modified": _instant(record.modified),
    }
    if record.status is Status.WITHDRAWN:
        common["revoked"] = True
    observed = [list(_observables(model)) for model in record.affected]
    subject = list(_subject(published, common))
    about = _unique([*subject, *(one for objects in observed for one in objects)])
    software = {objects[0]["id"]: model for objects, model in zip(observed, record.affected, strict=True)}
    related = [_relation(one["id"], model, target, common) for one in subject for target, model in software.items()]
    report = {
        "type": "report",
        "id": f"report--{named('stix', 'report', record.id)}",
        **common,
        "name": record.title,
        "description": prose(published),
        "report_types": [_REPORT_TYPES[record.kind]],
        "published": _instant(record.published),
        "object_refs": [one["id"] for one in [*about, *related]],
        "confidence": _CONFIDENCE[record.confidence],
        "lang": "en",
        "labels": [f"{name}:{getattr(record, name)}" for name in ("kind", "category", "severity", "evidence_grade")],
        "external_references": list(_references(published)),
        "extensions": {
            _EXTENSION: {
                "extension_type": "property-extension",
                "document": beyond(published, "title", "description", "summary", "references"),
            }
        },
    }
    definition = {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": _EXTENSION,
        "created_by_ref": _AUTHOR["id"],
        "created": _DEFINED,
        "modified": _DEFINED,
        "name": "Faultline record",
        "description": "The members of a Faultline record that STIX has no word for.",
        "schema": f"{node.address}/api/v1/schemas/incident",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
    return {
        "type": "bundle",
        "id": f"bundle--{named('stix', 'bundle', record.id, str(record.version))}",
        "objects": [report, *about, *related, publisher, definition, _AUTHOR],
    }


def _instant(text: str) -> str:
    return text.replace("Z", ".000Z")


def _subject(published: Published, common: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """What happened or what was found; nothing for a measurement, which is neither."""
    record = published.record
    if kind := _SUBJECTS.get(record.kind):
        yield {
            "type": kind,
            "id": f"{kind}--{named('stix', kind, record.id)}",
            **common,
            "name": record.title,
            "description": record.summary,
            "external_references": list(_own(published)),
        }


def _observables(model: AffectedModel) -> Iterable[dict[str, Any]]:
    """The model, then its files."""
    said = {"name": model.name, **({"version": model.revision} if model.revision else {})}
    yield _observable("software", said)
    for file in model.files:
        hashes = {"hashes": {"SHA-256": file.sha256}} if file.sha256 else {}
        yield _observable("file", {**hashes, "name": file.path})


def _observable(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(_OBSERVABLES, canonical_bytes(said).decode())}",
        **said,
    }


def _relation(source: str, model: AffectedModel, target: str, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relationship",
        "id": f"relationship--{named('stix', 'relationship', source, target)}",
        **common,
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
        "description": MEANINGS[AffectedStatus][model.status],
    }


def _own(published: Published) -> Iterable[dict[str, str]]:
    record = published.record
    yield {"source_name": record.origin, "external_id": record.id, "url": published.page}
    for alias in record.aliases:
        prefix = _PREFIX.match(alias)
        yield {"source_name": prefix[1].lower() if prefix else "another database", "external_id": alias}


def _references(published: Published) -> Iterable[dict[str, str]]:
    yield from _own(published)
    for source in published.record.references:
        yield {"source_name": source.publisher or source.title, "description": source.title, "url": as_uri(source.url)}


def _unique(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["id"]: one for one in objects}.values())


FORMAT = Format(
    title="STIX 2.1",
    media_type="application/stix+json; version=2.1",
    suffix="stix.json",
    one=lambda published: as_json(_bundle(published)),
    extension="a property extension of the report",
)
