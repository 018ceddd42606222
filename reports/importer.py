"""The contract of an importer: a foreign database's file in, submissions or refusals out. Plain data, no database.

An importer is one file in `reports/importers/` that defines `IMPORTER`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from lib.registry import plugins
from reports.submission import Submission


@dataclass(frozen=True)
class Imported:
    """A foreign record that became a submission. `source_id` is its id there, unique within the source."""

    source_id: str
    submission: Submission


@dataclass(frozen=True)
class Refused:
    """A foreign record that did not, and why: one of the importer's reasons, and a sentence with the particulars."""

    source_id: str
    reason: str
    detail: str = ""


class Importer(Protocol):
    """One source. `slug` equals the file's name; `licence` is an SPDX id."""

    slug: str
    title: str
    licence: str

    def read(self, lines: Iterable[str]) -> Iterator[Imported | Refused]:
        """Every record of the source, in its order, exactly once; never raises for what a record can hold."""
        ...


def importers() -> dict[str, Importer]:
    """Every importer, by slug."""
    return plugins("reports.importers", "IMPORTER")
