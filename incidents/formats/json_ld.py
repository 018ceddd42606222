"""JSON-LD 1.1 in the terms of schema.org: a `Report` about the models.

schema.org has no word for severity, evidence or match: the whole document stands in `faultline:document` as a JSON
literal (JSON-LD 1.1, 4.2.2), and our assessments also as keywords of a defined set.
"""

from typing import Any

from incidents.citation import author_of
from incidents.format import Format, Published, as_json, as_uri, beyond, prose
from incidents.record import AffectedModel

_LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_ASSESSMENTS = ("kind", "category", "severity", "evidence_grade", "confidence", "status")


def _report(published: Published) -> dict[str, Any]:
    record, node = published.record, published.node
    terms = f"{node.address}/about/"
    publisher = {"@type": "Organization", "name": author_of(published)}
    if publisher["name"] == node.title:
        publisher["url"] = f"{node.address}/"
    report: dict[str, Any] = {
        "@context": [
            "https://schema.org",
            {"faultline": f"{terms}#", "faultline:document": {"@type": "@json"}},
        ],
        "@type": "Report",
        "@id": published.page,
        "url": published.page,
        "name": record.title,
        "headline": record.title,
        "reportNumber": record.id,
        "identifier": [record.id, *record.aliases],
        "version": record.version,
        "creativeWorkStatus": record.status,
        "abstract": record.summary,
        "text": prose(published),
        "datePublished": record.published,
        "dateModified": record.modified,
        "license": _LICENCE,
        "isAccessibleForFree": True,
        "author": publisher,
        "publisher": publisher,
        "about": [_model(model) for model in record.affected],
        "citation": [
            {
                "@type": "CreativeWork",
                "name": source.title,
                "url": as_uri(source.url),
                **({"publisher": {"@type": "Organization", "name": source.publisher}} if source.publisher else {}),
                **({"datePublished": source.date} if source.date else {}),
            }
            for source in record.references
        ],
        "keywords": [
            {"@type": "DefinedTerm", "termCode": getattr(record, name), "inDefinedTermSet": f"{terms}#{name}"}
            for name in _ASSESSMENTS
        ],
        "faultline:document": beyond(published),
    }
    if record.occurred:
        report["temporalCoverage"] = record.occurred
    return report


def _model(model: AffectedModel) -> dict[str, Any]:
    described: dict[str, Any] = {"@type": "SoftwareApplication", "name": model.name}
    if model.purl:
        described["identifier"] = model.purl
    if model.revision:
        described["softwareVersion"] = model.revision
    return described


FORMAT = Format(
    title="JSON-LD",
    media_type="application/ld+json",
    suffix="jsonld",
    one=lambda published: as_json(_report(published)),
    extension="`faultline:document`",
)
