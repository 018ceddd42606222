"""Text: UTF-8 without what only programs read; JSON, JSON lines and CSV told from each other by parsing them."""

import csv
import io
import json
import pickletools
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

from lib.confined import RefusedFileError
from lib.sanitise.recognise import ACCEPTED

_CONTROLS = re.compile("[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")  # a log may hold form feeds and escape sequences
_MARKUP = re.compile(r"<(?:!doctype|\?xml|html|head|body|svg|script|style|iframe|object|embed|math)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?%?")
# What every pickle of more than a number has: it calls, names, or remembers something.
_DEEDS = frozenset(
    {"PROTO", "GLOBAL", "STACK_GLOBAL", "INST", "REDUCE", "BUILD", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
)
_MOST_IDLE = 1000
_DELIMITERS = (",", ";", "\t")


def clean(content: bytes) -> tuple[str, bytes, str]:
    """The text's media type, its bytes as UTF-8 with LF line ends, and what was changed, "" for nothing of note.

    Raises RefusedFileError for what is no text, is a page or a drawing that a browser would run, or a pickle.
    """
    if _is_pickle(content):
        raise RefusedFileError("The file is a pickle, which can run code when loaded.")
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    if _begins_as_markup(text):
        raise RefusedFileError(
            "The file is an HTML page, an SVG drawing or XML, which can run code in a browser. "
            "Send a screenshot, or what matters as plain text."
        )
    if _is_json(text):
        return "application/json", text.encode(), ""
    if _is_json_lines(text):
        return "application/jsonl", text.encode(), ""
    for delimiter in _DELIMITERS:
        if rows := _table(text, delimiter):
            return _clean_table(text, rows, delimiter)
    return "text/plain", text.encode(), ""


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
    try:
        text = content.removeprefix(BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        raise RefusedFileError("The file is of no accepted kind. %(accepted)s", accepted=ACCEPTED) from error
    if "\x00" in text:
        raise RefusedFileError("The file holds NUL bytes, so it is no text. %(accepted)s", accepted=ACCEPTED)
    if _CONTROLS.search(text):
        raise RefusedFileError("The file holds control characters, so it is no text. %(accepted)s", accepted=ACCEPTED)
    if not text.strip():
        raise RefusedFileError("The file holds nothing but white space.")
    return text


def _begins_as_markup(text: str) -> bool:
    """Whether a browser's language begins behind white space and comments. One pass, whatever the text."""
    at = 0
    while True:
        while text[at : at + 1].isspace():
            at += 1
        end = text.find("-->", at) if text.startswith("<!--", at) else -1
        if end < 0:
            return bool(_MARKUP.match(text, at))
        at = end + 3


def _is_pickle(content: bytes) -> bool:
    """Whether all of it is one pickle that does something, as protocol 0 can be in plain letters. Nothing is loaded.

    "2020." is a pickle too, by the letter: of nothing, so it is a text.
    """
    end, does = len(content.rstrip()) - 1, False
    try:
        for number, (opcode, _argument, position) in enumerate(pickletools.genops(content)):
            does = does or opcode.name in _DEEDS
            if opcode.name == "STOP":
                return does and position == end
            if not does and number > _MOST_IDLE:
                return False
    except Exception:  # noqa: BLE001 - whatever it stumbles over, this is no pickle
        return False
    return False


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in {"{", "["} and _parsed(text) is not None


def _is_json_lines(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) > 1 and all(line.lstrip()[:1] == "{" and _parsed(line) is not None for line in lines)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RefusedFileError("The JSON is nested too deeply.") from error
    except ValueError:
        return None


def _table(text: str, delimiter: str) -> list[list[str]]:
    """The rows of a table with two columns or more, all equally wide; [] for any other text, such as prose."""
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error:
        return []
    width = len(rows[0]) if rows else 0
    is_even = len(rows) > 1 < width and all(len(row) == width for row in rows)
    is_prose = all(cell.startswith(" ") for row in rows for cell in row[1:])
    return rows if is_even and not is_prose else []


def _clean_table(text: str, rows: list[list[str]], delimiter: str) -> tuple[str, bytes, str]:
    """Cells that a spreadsheet would run as a formula begin with an apostrophe (OWASP, "CSV Injection")."""
    formulas = sum(_is_formula(cell) for row in rows for cell in row)
    if not formulas:
        return "text/csv", text.encode(), ""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerows([f"'{cell}" if _is_formula(cell) else cell for cell in row] for row in rows)
    return (
        "text/csv",
        written.getvalue().encode(),
        f"{formulas} cells that looked like formulas are quoted.",
    )


def _is_formula(cell: str) -> bool:
    return cell.lstrip(" ")[:1] in {"=", "+", "-", "@", "\t"} and not _NUMBER.fullmatch(cell.strip())
