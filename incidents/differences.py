"""What differs between two versions of a record, field by field and line by line. Pure."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Change with every version, and are nobody's wording.
_OF_EVERY_VERSION = frozenset({"schema", "id", "origin", "version", "published", "modified", "licence"})


@dataclass(frozen=True)
class Line:
    """One line of a field: `mark` is "+" for new, "-" for gone, "" for both."""

    mark: str
    text: str


@dataclass(frozen=True)
class Difference:
    """One field of the record that changes."""

    field: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """The field's name as words."""
        return self.field.replace("_", " ").capitalize()


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Difference]:
    """The fields that differ, in the order of the new document; against nothing, every field that says something."""
    standing = before or {}
    return [
        Difference(field, tuple(_compared(_lines(standing.get(field)), _lines(after.get(field)))))
        for field in changed_fields(standing, after)
    ]


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the fields that differ, in the order of the new document, without what every version changes."""
    fields = [*after, *(field for field in before if field not in after)]
    return [
        field
        for field in fields
        if field not in _OF_EVERY_VERSION and _lines(before.get(field)) != _lines(after.get(field))
    ]


def _lines(value: Any) -> list[str]:
    if value is None or value in ("", [], ()):
        return []
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, list):
        entries = [_lines(one) if isinstance(one, str) else _of_entry(one) for one in value]
        # An empty line between entries of several lines.
        gap = [""] if any(len(entry) > 1 for entry in entries) else []
        return [line for number, entry in enumerate(entries) for line in (gap if number else []) + entry]
    return [_json(value)]


def _of_entry(entry: Any) -> list[str]:
    """One entry of a list: a value a line, by name as stored bytes have them, what is empty left out."""
    if not isinstance(entry, Mapping):
        return [_json(entry)]
    said = {name: value for name, value in entry.items() if value not in (None, "", [], False)}
    return [f"{name}: {value if isinstance(value, str) else _json(value)}" for name, value in sorted(said.items())]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _compared(old: list[str], new: list[str]) -> Iterable[Line]:
    for line in difflib.ndiff(old, new):
        mark, text = line[0], line[2:]
        if mark != "?":
            yield Line(mark.strip(), text)
