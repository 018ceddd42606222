"""A record as a row of CSV, and back: safe in a spreadsheet, and exact (`lib.tables`). Pure.

What is one value in the record is one cell; lists are cells of compact JSON. An empty cell is a value the record does
not have.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lib.tables import lines, safe, unsafe

TEXTS = (
    "id",
    "origin",
    "status",
    "published",
    "modified",
    "title",
    "summary",
    "description",
    "kind",
    "category",
    "severity",
    "evidence_grade",
    "confidence",
    "occurred",
    "notice",
    "superseded_by",
    "licence",
    "schema",
)
NUMBERS = ("version", "reproductions")
LISTS = ("affected", "classifications", "references", "aliases", "statements")
# `models` is for eyes alone: the names in `affected`, as package URLs where there are some.
COLUMNS = (
    "id",
    "version",
    "status",
    "published",
    "modified",
    "occurred",
    "title",
    "kind",
    "category",
    "severity",
    "evidence_grade",
    "confidence",
    "reproductions",
    "models",
    "summary",
    "description",
    "notice",
    "superseded_by",
    "affected",
    "classifications",
    "references",
    "aliases",
    "statements",
    "origin",
    "licence",
    "schema",
)
# Lists that a document without them lacks, rather than has empty (`Record.document`).
_LACKING = frozenset({"statements"})
# Texts that a document has even where they are empty.
_ALWAYS = frozenset({"description", "notice"})
_NULL = frozenset({"occurred"})

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def row_of(document: Mapping[str, Any]) -> list[str]:
    """A record's document as the cells of its row, in the order of `COLUMNS`."""
    return [safe(_written(document, column)) for column in COLUMNS]


def document_of(row: Mapping[str, str]) -> dict[str, Any]:
    """The document that the row, by column, was made of."""
    texts = {column: unsafe(cell) for column, cell in row.items()}
    document: dict[str, Any] = {name: texts[name] for name in TEXTS if texts[name] or name in _ALWAYS}
    document |= dict.fromkeys(_NULL - document.keys())
    document |= {name: int(texts[name]) for name in NUMBERS if texts[name]}
    document |= {name: json.loads(texts[name] or "[]") for name in LISTS if texts[name] or name not in _LACKING}
    return document


HEADER = lines([COLUMNS])


def csv_of(documents: Iterable[bytes]) -> bytes:
    """The documents (RFC 8785 bytes) as lines of the file, without its header."""
    return lines(row_of(json.loads(document)) for document in documents)


def _written(document: Mapping[str, Any], column: str) -> str:
    if column == "models":
        return " ".join(model["purl"] or model["name"] for model in document["affected"])
    value = document.get(column)
    if value in (None, "", []):
        return ""
    return value if isinstance(value, str) else _COMPACT(value)
