"""Rows as CSV that a spreadsheet shows as text and never runs, and that reads back exactly.

RFC 4180: lines end with CRLF, a cell with a comma, a quote or a line break is quoted, a quote in it doubled. UTF-8,
no byte order mark.

A spreadsheet runs a cell as a formula if it begins with =, +, -, @, a tab or a carriage return, also in full width and
also after spaces (OWASP, "CSV Injection"). Such a cell gets an apostrophe in front; so does one that begins with an
apostrophe. Whoever reads takes one leading apostrophe away, and has what was written.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

# The blanks are those that some spreadsheet skips before it looks for a formula.
_FORMULA = re.compile("[\\s\ufeff\u200b]*[=+\\-@'|%\uff1d\uff0b\uff0d\uff20\u2212]|[\t\r\n]")


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    # Nearly every cell begins with a letter or a digit: what costs more is asked of the others.
    return f"'{text}" if not text[:1].isalnum() and _FORMULA.match(text) else text


def unsafe(cell: str) -> str:
    """What `safe` was given."""
    return cell[1:] if cell.startswith("'") else cell


def lines(rows: Iterable[Sequence[str | int | float | None]]) -> bytes:
    """Rows of cells that are safe already as bytes of a file; None is an empty cell."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> bytes:
    """The table with its header, every text in it made safe."""
    return lines([header, *([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)])
