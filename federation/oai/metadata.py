"""A record as Dublin Core (`oai_dc`) and in DataCite's form for harvesters (`oai_datacite`, kernel 4.6).

Both say what they have words for; the whole document is one address away, which both name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from federation.oai.xml import Element, add, add_to, root
from incidents.citation import author_of
from incidents.format import Published, prose
from incidents.record import Record, Status

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_DC = "http://purl.org/dc/elements/1.1/"
_OAI_DATACITE = "http://schema.datacite.org/oai/oai-1.1/"
_DATACITE = "http://datacite.org/schema/kernel-4"
_DATACITE_SCHEMA = "http://schema.datacite.org/meta/kernel-4.6/metadata.xsd"


@dataclass(frozen=True)
class MetadataFormat:
    """A form of metadata: where its schema is, its namespace, and how a record is written in it."""

    schema: str
    namespace: str
    write: Callable[[Published], Element]


def _dublin_core(published: Published) -> Element:
    record = published.record
    element = root("dc", _OAI_DC, f"{_OAI_DC[:-1]}.xsd", {"oai_dc": _OAI_DC, "dc": _DC})
    said: list[tuple[str, str]] = [
        ("title", record.title),
        ("creator", author_of(published)),
        *(("subject", term) for term in _subjects(record)),
        ("description", prose(published)),
        ("publisher", author_of(published)),
        ("date", record.published),
        ("date", record.modified),
        ("type", "Text"),
        ("format", "text/html"),
        ("format", "application/json"),
        ("identifier", published.page),
        ("identifier", record.id),
        ("identifier", f"sha256:{published.digest}"),
        *(("source", source.url) for source in record.references),
        ("language", "en"),
        *(("relation", alias) for alias in record.aliases),
        *(("relation", model) for model in _models(record)),
        ("rights", LICENCE),
    ]
    if record.occurred:
        said.append(("coverage", record.occurred))
    for name, value in said:
        add_to(element, _DC, name, value)
    return element


def _datacite(published: Published) -> Element:
    wrapper = root("oai_datacite", _OAI_DATACITE, f"{_OAI_DATACITE}oai.xsd")
    add(wrapper, "schemaVersion", "4.6")
    add(wrapper, "datacentreSymbol", published.record.origin)
    add(wrapper, "payload").append(datacite_resource(published))
    return wrapper


def datacite_resource(published: Published) -> Element:
    """The DataCite part by itself. It has no DOI: its identifier is the page's address, and says so."""
    record = published.record
    resource = root("resource", _DATACITE, _DATACITE_SCHEMA)
    add(resource, "identifier", published.page, identifierType="URL")
    creator = add(add(resource, "creators"), "creator")
    add(creator, "creatorName", author_of(published), nameType="Organizational")
    add(add(resource, "titles"), "title", record.title)
    add(resource, "publisher", author_of(published))
    add(resource, "publicationYear", record.published[:4])
    subjects = add(resource, "subjects")
    for term in _subjects(record):
        add(subjects, "subject", term)
    dates = add(resource, "dates")
    add(dates, "date", record.published, dateType="Issued")
    add(dates, "date", record.modified, dateType="Updated")
    if record.occurred:
        add(dates, "date", record.occurred, dateType="Other", dateInformation="occurred")
    add(resource, "language", "en")
    add(resource, "resourceType", "Incident record", resourceTypeGeneral="Text")
    identifiers = add(resource, "alternateIdentifiers")
    for kind, value in [("Incident id", record.id), ("SHA-256", published.digest)]:
        add(identifiers, "alternateIdentifier", value, alternateIdentifierType=kind)
    for alias in record.aliases:
        add(identifiers, "alternateIdentifier", alias, alternateIdentifierType="Id in another database")
    _add_related(resource, record)
    add(add(resource, "formats"), "format", "application/json")
    add(resource, "version", str(record.version))
    add(add(resource, "rightsList"), "rights", "CC BY 4.0", rightsURI=LICENCE, rightsIdentifier="CC-BY-4.0")
    descriptions = add(resource, "descriptions")
    add(descriptions, "description", record.summary, descriptionType="Abstract")
    for text in (record.description, record.notice):
        if text:
            add(descriptions, "description", text, descriptionType="Other")
    return resource


def _add_related(resource: Element, record: Record) -> None:
    if record.references:
        related = add(resource, "relatedIdentifiers")
        for source in record.references:
            kinds = {"relatedIdentifierType": "URL", "relationType": "References"}
            add(related, "relatedIdentifier", source.url, **kinds)


def _subjects(record: Record) -> list[str]:
    """Our category and assessments, and the terms of other taxonomies, each with the list that it is of."""
    own = [f"{name}:{getattr(record, name)}" for name in ("kind", "severity", "evidence_grade", "confidence")]
    standing = [] if record.status is Status.PUBLISHED else [f"status:{record.status}"]
    terms = [f"{term.taxonomy}:{term.term}" for term in record.classifications]
    return [f"category:{record.category}", *own, *standing, *terms]


def _models(record: Record) -> list[str]:
    return [model.purl or (f"{model.hub}:{model.name}" if model.hub else model.name) for model in record.affected]


PREFIXES: dict[str, MetadataFormat] = {
    "oai_dc": MetadataFormat(f"{_OAI_DC[:-1]}.xsd", _OAI_DC, _dublin_core),
    "oai_datacite": MetadataFormat(f"{_OAI_DATACITE}oai.xsd", _OAI_DATACITE, _datacite),
}
