"""The contract of an importer: a foreign database's files in, submissions or refusals out. Plain data, no database.

An importer is one file in `reports/importers/` that defines `IMPORTER`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from lib.registry import plugins
from reports.import_files import SourceFile
from reports.submission import Submission


@dataclass(frozen=True)
class Imported:
    """A foreign record that became a submission. `source_id` is its id there, unique within the source.

    `other_ids`: ids of the same event elsewhere, its own aside.
    """

    source_id: str
    submission: Submission
    other_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A foreign record that did not, and why: one of the importer's reasons, and a sentence with the particulars.

    `broken`: it could not be read, so that nobody knows what it says; others were read and are not for us.
    """

    source_id: str
    reason: str
    detail: str = ""
    broken: bool = False


class Importer(Protocol):
    """One source. `slug` equals the file's name; `licence` is an SPDX id, "" where each feed has its own."""

    slug: str
    title: str
    licence: str

    def read_files(self, files: Iterable[SourceFile]) -> Iterator[Imported | Refused]:
        """Every record of the source, in its order, exactly once; never raises for what a record can hold.

        Raises SourceError where the whole cannot be this source.
        """
        ...


def importers() -> dict[str, Importer]:
    """Every importer, by slug."""
    return plugins("reports.importers", "IMPORTER")
