"""A report of the AI Vulnerability Database (AVID; schema of avidtools 0.3.2).

AVID has no field for a model's hub, revision or files, for severity beyond CVSS, for status or dispute: they stand in
the member `faultline`, which its schema lets pass. The developer is the organisation in the repository's own name, and
is left out where a name has none: it is never guessed from the rest.
"""

from typing import Any

from incidents.format import Format, Published, as_json, as_uri, beyond, prose
from incidents.record import Kind, Record
from incidents.taxonomy import taxonomies

SCHEMA_VERSION = "0.3.2"
_TYPES = {
    Kind.INCIDENT: "Issue",
    Kind.HAZARD: "Advisory",
    Kind.EXERCISE: "Detection",
    Kind.MEASUREMENT: "Measurement",
}
_DOMAINS = {"S": "Security", "E": "Ethics", "P": "Performance"}


def _report(published: Published) -> dict[str, Any]:
    record = published.record
    owners = dict.fromkeys(model.name.partition("/")[0] for model in record.affected if model.hub and "/" in model.name)
    report: dict[str, Any] = {
        "data_type": "AVID",
        "data_version": SCHEMA_VERSION,
        "metadata": {"report_id": record.id},
        "affects": {
            "developer": list(owners),
            "deployer": [],
            "artifacts": [{"type": "Model", "name": name} for name in dict.fromkeys(m.name for m in record.affected)],
        },
        "problemtype": {
            "classof": "Third-party Report",
            "type": _TYPES[record.kind],
            "description": {"lang": "eng", "value": record.title},
        },
        "references": [
            {"type": "source", "label": f"{published.node.title}: {record.id}", "url": published.page},
            *({"type": "source", "label": one.title, "url": as_uri(one.url)} for one in record.references),
        ],
        "description": {"lang": "eng", "value": prose(published)},
        "reported_date": record.published[:10],
        "faultline": beyond(published, "title"),
    }
    if impact := _impact(record):
        report["impact"] = impact
    return report


def _impact(record: Record) -> dict[str, Any]:
    """What the record's own classifications say in AVID's and ATLAS' terms."""
    impact: dict[str, Any] = {}
    effects = taxonomies()["avid-sep"]
    terms = [effects.term(one.term) for one in record.classifications if one.taxonomy == effects.id]
    known = [term for term in terms if term]
    if known:
        impact["avid"] = {
            "risk_domain": list(dict.fromkeys(_DOMAINS[term.code[0]] for term in known)),
            "sep_view": [f"{term.code}: {term.title}" for term in known],
            "lifecycle_view": [],
            "taxonomy_version": effects.version,
        }
    codes = [one.term for one in record.classifications if one.taxonomy == "mitre-atlas"]
    if codes:
        impact["atlas"] = [{"tactic" if code.startswith("AML.TA") else "technique": code} for code in codes]
    return impact


FORMAT = Format(
    title="AVID",
    media_type="application/x.avid+json",
    suffix="avid.json",
    one=lambda published: as_json(_report(published)),
    extension="`faultline`",
)
