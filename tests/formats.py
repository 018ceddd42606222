"""What the field itself says of its formats: official schemas, and the readers people use."""

import csv
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import bibtexparser
import jsonschema
import rispy
import stix2
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from pyld import jsonld
from rfc3986_validator import validate_rfc3986
from rfc3987_syntax import is_valid_syntax_iri_reference
from stix2validator import ValidationOptions, validate_parsed_json, validator

from incidents.formats.table import document_of
from incidents.record import Record

SCHEMAS = Path(__file__).parent / "schemas"
# The validator looks for `schemas-2.1/` beside itself, and its package comes without it.
validator.__file__ = str(SCHEMAS / "validator.py")


@jsonschema.Draft7Validator.FORMAT_CHECKER.checks("iri-reference")
def is_iri_reference(text: object) -> bool:
    """RFC 3987, 2.2. jsonschema's parser takes 20 ms for each; in ASCII it is RFC 3986's, a regular expression."""
    if not isinstance(text, str):
        return True
    return bool(validate_rfc3986(text, "URI_reference") if text.isascii() else is_valid_syntax_iri_reference(text))


@cache
def schema(name: str) -> jsonschema.Draft202012Validator:
    document = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return jsonschema.validators.validator_for(document)(document)


def by_schema(name: str) -> Callable[[bytes], None]:
    return lambda content: schema(name).validate(json.loads(content))


@cache
def cyclonedx_schema() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_6)


def is_cyclonedx(content: bytes) -> None:
    problem = cyclonedx_schema().validate_str(content.decode())
    assert problem is None, problem


def is_stix(content: bytes) -> None:
    # All that it recommends but ids of random UUIDs (2.9 allows ours) and hashes of what web links lead to.
    found = validate_parsed_json(json.loads(content), ValidationOptions(version="2.1", disabled="103,302"))
    assert found.is_valid, [str(error) for error in found.errors]
    assert not found.warnings, [str(warning) for warning in found.warnings]
    stix2.parse(content.decode(), allow_custom=False)


def schema_org(address: str, _options: object) -> dict[str, object]:
    """schema.org's context, as far as a reader without a network needs it: its words, and which of them are links."""
    assert address == "https://schema.org"
    links = {word: {"@type": "@id"} for word in ("url", "license", "inDefinedTermSet")}
    context = {"@vocab": "http://schema.org/", **links}
    return {"contextUrl": None, "documentUrl": address, "document": {"@context": context}}


def is_json_ld(content: bytes) -> None:
    (report,) = jsonld.expand(json.loads(content), {"documentLoader": schema_org, "base": "https://example.org/"})
    assert report["@type"] == ["http://schema.org/Report"]
    assert all(word.startswith(("http", "@")) for word in report)
    assert report["http://schema.org/about"]


def is_bibtex(content: bytes) -> None:
    (entry,) = bibtexparser.loads(content.decode()).entries
    assert set(entry) == {"ENTRYTYPE", "ID", "author", "title", "year", "month", "howpublished", "note"}


def is_ris(content: bytes) -> None:
    (reference,) = rispy.loads(content.decode())
    assert reference["type_of_reference"] == "RPRT"
    assert "unknown_tag" not in reference


def is_csv(content: bytes) -> None:
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    Record.model_validate(document_of(row))


def is_text(content: bytes) -> None:
    assert content.decode().endswith("/\n")
    assert content.count(b"\n") == 1


VALIDATORS: dict[str, Callable[[bytes], object]] = {
    "json": Record.model_validate_json,
    "jsonl": Record.model_validate_json,
    "csv": is_csv,
    "osv.json": by_schema("osv-1.7.5"),
    "avid.json": by_schema("avid-report-0.3.2"),
    "stix.json": is_stix,
    "cdx.json": is_cyclonedx,
    "jsonld": is_json_ld,
    "bib": is_bibtex,
    "ris": is_ris,
    "csl.json": by_schema("csl-data"),
    "apa.txt": is_text,
}
