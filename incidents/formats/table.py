"""CSV with a header that is safe to open in a spreadsheet, and reads back exactly (`lib.tables`).

Lists are JSON in one cell; a cell is empty where the record has no value.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from incidents.format import Format, Published
from incidents.record import Record
from lib.tables import lines, safe, unsafe

_STRUCTURED = ("affected", "classifications", "references", "aliases", "statements")
_NUMBERS = ("version", "reproductions")
COLUMNS = tuple(field.alias or name for name, field in Record.model_fields.items())


def document_of(row: dict[str, str]) -> dict[str, Any]:
    """The document that a row was made of, by the names of the columns; `Record` reads it."""
    document: dict[str, Any] = {}
    for column, cell in row.items():
        text = unsafe(cell)
        if column in _STRUCTURED:
            document[column] = json.loads(text) if text else []
        elif column in _NUMBERS:
            document[column] = int(text) if text else None
        elif text or column in {"description", "notice"}:
            document[column] = text
    return document


def _row(published: Published) -> list[str]:
    document = published.record.document()
    return [safe(_cell(document.get(column))) for column in COLUMNS]


def _cell(value: Any) -> str:
    if value in (None, []):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    yield lines([COLUMNS])
    for one in published:
        yield lines([_row(one)])


FORMAT = Format(
    title="CSV",
    media_type="text/csv; charset=utf-8",
    suffix="csv",
    one=lambda published: b"".join(_many([published])),
    many=_many,
)
