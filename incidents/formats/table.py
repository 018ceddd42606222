"""CSV (RFC 4180, UTF-8, with a header) that is safe to open in a spreadsheet, and reads back exactly.

A cell that a spreadsheet could take for a formula (OWASP, "CSV Injection"), and one that begins with an apostrophe, has
an apostrophe before it; `readable` takes it off. Lists are JSON in one cell; a cell is empty where the record has no
value.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from incidents.format import Format, Published
from incidents.record import Record

# The signs that begin a formula, their full-width forms, and what spreadsheets skip before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the very characters
_STRUCTURED = ("affected", "classifications", "references", "aliases", "statements")
_NUMBERS = ("version", "reproductions")
COLUMNS = tuple(field.alias or name for name, field in Record.model_fields.items())


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet computes."""
    return f"'{text}" if text.lstrip(" \u00a0\u3000").startswith(_FORMULA) or text.startswith("'") else text


def readable(cell: str) -> str:
    """The text of a cell that `safe` made."""
    return cell.removeprefix("'")


def document_of(row: dict[str, str]) -> dict[str, Any]:
    """The document that a row was made of, by the names of the columns; `Record` reads it."""
    document: dict[str, Any] = {}
    for column, cell in row.items():
        text = readable(cell)
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


def _written(row: Iterable[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(row)
    return line.getvalue().encode()


def _many(published: Iterable[Published]) -> Iterator[bytes]:
    yield _written(COLUMNS)
    for one in published:
        yield _written(_row(one))


FORMAT = Format(
    title="CSV",
    media_type="text/csv; charset=utf-8",
    suffix="csv",
    one=lambda published: b"".join(_many([published])),
    many=_many,
)
