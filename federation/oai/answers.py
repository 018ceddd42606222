"""What the six verbs answer: each adds its part to the answer, or raises an error of the protocol."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.conf import settings

from federation.oai import asked
from federation.oai.asked import OaiError, Walk
from federation.oai.metadata import PREFIXES
from federation.oai.xml import Element, add, as_bytes, clean, root
from incidents import harvest
from incidents.format import Published
from incidents.harvest import Listed, Place
from incidents.taxonomy import OWN, taxonomies
from incidents.this_node import this_node

RECORDS_PER_PAGE, IDENTIFIERS_PER_PAGE = 100, 1000
OAI = "http://www.openarchives.org/OAI/2.0/"
_IDENTIFIER = f"{OAI}oai-identifier"
_DOMAIN = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)+")
_MAIL = re.compile(r"\S+@(\S+\.)+\S+")
_SAMPLE = "FL-2026-0123ABCD"
# With these the request may be so wrong that the answer does not repeat it (OAI-PMH 2.0, 3.2).
_NOT_REPEATED = ("badVerb", "badArgument")


def answer(given: list[tuple[str, str]]) -> bytes:
    """The XML document that answers a request with these arguments."""
    document = root("OAI-PMH", OAI, f"{OAI}OAI-PMH.xsd")
    add(document, "responseDate", stamp(datetime.now(UTC)))
    request = add(document, "request", f"{this_node().address}/oai")
    try:
        found = asked.arguments(given)
        part = _VERBS[found["verb"]](found)
    except OaiError as error:
        repeated = {} if error.code in _NOT_REPEATED else dict(given)
        add(document, "error", str(error), code=error.code)
    else:
        repeated = found
        document.append(part)
    for name, value in repeated.items():
        request.set(name, clean(value))
    return as_bytes(document)


def stamp(moment: datetime) -> str:
    """A moment as the protocol writes it (OAI-PMH 2.0, 3.3)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


def _identify(_found: Mapping[str, str]) -> Element:
    part = _part("Identify")
    node = this_node()
    add(part, "repositoryName", node.title)
    add(part, "baseURL", f"{node.address}/oai")
    add(part, "protocolVersion", "2.0")
    add(part, "adminEmail", _mail())
    add(part, "earliestDatestamp", stamp(harvest.earliest() or datetime.now(UTC)))
    add(part, "deletedRecord", "persistent")
    add(part, "granularity", "YYYY-MM-DDThh:mm:ssZ")
    if _DOMAIN.fullmatch(settings.NODE_NAME):
        description = root("oai-identifier", _IDENTIFIER, f"{_IDENTIFIER}.xsd")
        add(description, "scheme", "oai")
        add(description, "repositoryIdentifier", settings.NODE_NAME)
        add(description, "delimiter", ":")
        add(description, "sampleIdentifier", f"oai:{settings.NODE_NAME}:{_SAMPLE}")
        add(part, "description").append(description)
    return part


def _mail() -> str:
    """Where the operator is reached. The protocol wants an address of mail, which a contact need not be."""
    mail = settings.NODE_CONTACT.removeprefix("mailto:")
    host = settings.NODE_NAME if _DOMAIN.fullmatch(settings.NODE_NAME) else "node.invalid"
    return mail if _MAIL.fullmatch(mail) else f"postmaster@{host}"


def _list_metadata_formats(found: Mapping[str, str]) -> Element:
    if "identifier" in found and _of_identifier(found["identifier"]).deleted:
        raise OaiError("noMetadataFormats", "the record was withdrawn")
    part = _part("ListMetadataFormats")
    for prefix, kind in PREFIXES.items():
        offered = add(part, "metadataFormat")
        add(offered, "metadataPrefix", prefix)
        add(offered, "schema", kind.schema)
        add(offered, "metadataNamespace", kind.namespace)
    return part


def _list_sets(found: Mapping[str, str]) -> Element:
    if "resumptionToken" in found:
        raise OaiError("badResumptionToken", "the list of sets comes in one piece")
    part = _part("ListSets")
    origins = sorted({settings.NODE_NAME, *harvest.origins()})
    sets = [("origin", "Records by the node that published them")]
    sets += [(f"origin:{name}", f"Records of {name}") for name in origins]
    sets += [("category", "Records by category")]
    sets += [(_category_set(term.code), term.title) for term in taxonomies()[OWN].terms]
    for spec, name in sets:
        one = add(part, "set")
        add(one, "setSpec", spec)
        add(one, "setName", name)
    return part


def _get_record(found: Mapping[str, str]) -> Element:
    asked.known_prefix(found["metadataPrefix"])
    listed = _of_identifier(found["identifier"])
    part = _part("GetRecord")
    _add_record(part, listed, found["metadataPrefix"])
    return part


def _list_identifiers(found: Mapping[str, str]) -> Element:
    return _list(found, "ListIdentifiers", IDENTIFIERS_PER_PAGE, _add_header)


def _list_records(found: Mapping[str, str]) -> Element:
    return _list(found, "ListRecords", RECORDS_PER_PAGE, _add_record)


def _list(found: Mapping[str, str], verb: str, limit: int, write: Callable[[Element, Listed, str], None]) -> Element:
    walk = asked.walk(found)
    page = harvest.page(walk.wanted, after=walk.after, limit=limit, documents=verb == "ListRecords")
    if not page.records and walk.after is None:
        raise OaiError("noRecordsMatch", "no record is in this list")
    part = _part(verb)
    for listed in page.records:
        write(part, listed, walk.prefix)
    _add_token(part, walk, page)
    return part


def _add_token(part: Element, walk: Walk, page: harvest.Page) -> None:
    """Always, so that a harvester can tell a whole list from one that was cut off on the way; empty at its end."""
    counted = {"completeListSize": str(walk.seen + page.remaining), "cursor": str(walk.seen)}
    last = page.records[-1] if page.remaining > len(page.records) else None
    token = walk.token(Place(last.datestamp, last.number), walk.seen + len(page.records)) if last else ""
    add(part, "resumptionToken", token, **counted)


def _add_record(part: Element, listed: Listed, prefix: str) -> None:
    record = add(part, "record")
    _add_header(record, listed, prefix)
    if listed.document is not None:
        add(record, "metadata").append(PREFIXES[prefix].write(Published(listed.document, this_node())))


def _add_header(part: Element, listed: Listed, _prefix: str) -> None:
    header = add(part, "header", **({"status": "deleted"} if listed.deleted else {}))
    add(header, "identifier", f"oai:{listed.origin}:{listed.public_id}")
    add(header, "datestamp", stamp(listed.datestamp))
    add(header, "setSpec", f"origin:{listed.origin}")
    add(header, "setSpec", _category_set(listed.category))


def _of_identifier(text: str) -> Listed:
    scheme, _, rest = text.partition(":")
    origin, _, public_id = rest.rpartition(":")
    found = harvest.one(public_id, origin) if scheme == "oai" else None
    if found is None:
        raise OaiError(
            "idDoesNotExist", f"there is no such record; identifiers look like oai:{settings.NODE_NAME}:{_SAMPLE}"
        )
    return found


def _category_set(code: str) -> str:
    return f"category:{code.replace('.', ':')}"


def _part(verb: str) -> Element:
    return root(verb, OAI, "")


_VERBS: dict[str, Callable[[Mapping[str, str]], Element]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_metadata_formats,
    "ListSets": _list_sets,
    "ListIdentifiers": _list_identifiers,
    "ListRecords": _list_records,
    "GetRecord": _get_record,
}
