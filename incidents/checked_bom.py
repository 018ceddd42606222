"""Answers of a check as CycloneDX 1.6 (ECMA-424): the components asked about and `vulnerabilities` that affect them.

Records are no CVEs: `analysis.state` says `exploitable` where a record names what is run, `in_triage` where it may be
concerned, and `resolved` or `not_affected` where the record says so.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from catalogue.hub import hubs
from incidents.checking import LEVELS, Answer, Finding, Question, Verdict
from incidents.formats.cyclonedx import SEVERITIES
from incidents.publishing import instant
from incidents.record import Severity
from incidents.this_node import this_node

CONTENT_TYPE = "application/vnd.cyclonedx+json"

_STATES = {
    Verdict.AFFECTED: "exploitable",
    Verdict.POSSIBLY_AFFECTED: "in_triage",
    Verdict.UNDER_INVESTIGATION: "in_triage",
    Verdict.FIXED: "resolved",
    Verdict.NOT_AFFECTED: "not_affected",
}


def checked_bom(answers: Iterable[Answer]) -> dict[str, Any]:
    """The document as JSON values: a vulnerability for each pair of a component and a record that concerns it."""
    concerned = [(place, one) for place, one in enumerate(answers) if one.findings]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [_component(_ref(place, one.question), one.question) for place, one in concerned],
        "vulnerabilities": [
            _vulnerability(_ref(place, one.question), finding) for place, one in concerned for finding in one.findings
        ],
    }


def _ref(place: int, question: Question) -> str:
    """The component's own reference, which leads back into the bill that was sent, made unique where it is absent."""
    return question.ref or f"faultline:{place}"


def _component(ref: str, question: Question) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "machine-learning-model", "bom-ref": ref, "name": question.asked}
    for identity in question.identities:
        if identity.reference and (purl := hubs()[identity.reference.hub].purl(identity.reference)):
            return {**component, "purl": purl}
    return component


def _vulnerability(ref: str, finding: Finding) -> dict[str, Any]:
    record = finding.record
    page = f"{this_node().address}/incidents/{record.public_id}/"
    properties = {"match": finding.level, "match-meaning": LEVELS[finding.level], "verdict": finding.verdict}
    if finding.way:
        properties["way"] = " > ".join(finding.way)
    return {
        "bom-ref": f"{record.public_id}/{ref}",
        "id": record.public_id,
        "source": {"name": settings.NODE_NAME, "url": page},
        "ratings": [{"severity": SEVERITIES[Severity(record.severity)], "method": "other"}],
        "description": record.title,
        "advisories": [{"url": page}],
        "updated": instant(record.modified),
        "analysis": {"state": _STATES[finding.verdict]},
        "affects": [{"ref": ref}],
        "properties": [{"name": f"faultline:{name}", "value": str(value)} for name, value in properties.items()],
    }
