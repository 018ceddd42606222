"""The AI Incident Database: its public snapshot, a folder or archive of CSV files.

The snapshot is under CC BY-SA 4.0, and the news reports in it under nobody's licence. So no sentence of it is taken:
titles and descriptions are read to see which open model an incident names, and are left there. What is taken are facts:
the number, the date, the short names of developers and deployers, the numbers of the linked reports, and the classes
that annotators gave. Who was harmed is left there: it may be a person's name. The words around the facts are ours, and
the page there is linked.

- `incidents.csv`: one incident a row; list columns are JSON lists in a cell.
- `classifications_MIT.csv`, where it is there: the category, else `unsafe_content`; a moderator decides.
- `duplicates.csv`: numbers that were given up for another, to which they lead.
- Column names may come twice, or differ in case alone (in the CSET files): a column is meant by its exact name, and one
  that comes twice has the first value that is not empty.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from incidents.record import Kind
from reports.import_files import SourceError, SourceFile
from reports.importer import Imported, Refused
from reports.open_names import named_in
from reports.submission import MOST_LINKS, MOST_MODELS, Submission

PAGE = "https://incidentdatabase.ai/cite/{}"
_NUMBER = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
# One cell; the module's own limit of 128 KiB is shorter than the longest description allowed there.
_LONGEST_CELL = 4 * 1024 * 1024
# MIT's AI Risk Repository: the subdomain's number -> ours.
_CATEGORIES = {
    "1.1": "bias",
    "1.2": "unsafe_content",
    "1.3": "bias",
    "2.1": "privacy_leak",
    "2.2": "security_vulnerability",
    "3.1": "misinformation",
    "3.2": "misinformation",
    "4.1": "misinformation",
    "4.2": "misuse.weaponisation",
    "4.3": "misuse.fraud",
    "6.3": "intellectual_property",
    "7.1": "loss_of_control",
}
_PARTIES = {
    "Alleged developer of AI system": "as developer",
    "Alleged deployer of AI system": "as deployer",
}
_NEEDED = {"incident_id", "date", "reports", "description", "title", *_PARTIES}

Row = dict[str, str]


@dataclass
class _Snapshot:
    """What its files say, by the number of the incident."""

    incidents: SourceFile | None = None
    categories: dict[str, str] = field(default_factory=dict)
    leads_to: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


class Aiid:
    """Reads AIID's snapshot."""

    slug = "aiid"
    title = "AI Incident Database (AIID)"
    licence = "CC-BY-SA-4.0"

    def read_files(self, files: Iterable[SourceFile]) -> Iterator[Imported | Refused]:
        """Every incident, then every number that leads to another. Raises SourceError without incidents.csv."""
        snapshot = _gather(files)
        yield from snapshot.refused
        if snapshot.incidents is None:
            raise SourceError("there is no incidents.csv in it")
        seen: set[str] = set()
        for place, row in _rows(snapshot.incidents):
            if row is None or not _NUMBER.fullmatch(row.get("incident_id", "")):
                yield Refused(place, "malformed", "not a row of an incident with a number", broken=True)
            else:
                seen.add(row["incident_id"])
                yield _read(row, snapshot)
        for number, to in snapshot.leads_to.items():
            if number not in seen:
                yield Refused(_id(number), "redirected", f"leads to {_id(to)}")


def _gather(files: Iterable[SourceFile]) -> _Snapshot:
    snapshot = _Snapshot()
    for file in files:
        if file.refused:
            snapshot.refused.append(Refused(file.name, "malformed", file.refused, broken=True))
        elif file.last == "incidents.csv":
            snapshot.incidents = file
        elif file.last == "classifications_MIT.csv":
            snapshot.categories = _categories(file)
        elif file.last == "duplicates.csv":
            snapshot.leads_to = _redirections(file)
    if snapshot.incidents is not None and (missing := _NEEDED - set(_header(snapshot.incidents))):
        raise SourceError(f"incidents.csv has no column {', '.join(sorted(missing))}")
    return snapshot


def _read(row: Row, snapshot: _Snapshot) -> Imported | Refused:
    number = row["incident_id"]
    if number in snapshot.leads_to:
        return Refused(_id(number), "redirected", f"leads to {_id(snapshot.leads_to[number])}")
    try:
        parties = {words: _list(row[column]) for column, words in _PARTIES.items()}
        reports = [text for text in _list(row["reports"]) if _NUMBER.fullmatch(text)]
    except ValueError as error:
        return Refused(_id(number), "malformed", f"a list is none: {error}"[:300], broken=True)
    systems = [slug.replace("-", " ") for slug in parties["as developer"]]
    models = named_in("\n".join([row["title"], row["description"], *systems]))[:MOST_MODELS]
    if not models:
        return Refused(_id(number), "no_open_model", "names none of the open models we know by name")
    try:
        submission = Submission(
            models=models,
            title=f"{', '.join(models)}: incident {number} of the AI Incident Database"[:200],
            text=_text(number, row["date"], parties, reports, models),
            category=snapshot.categories.get(number, "unsafe_content"),
            kind=Kind.INCIDENT,
            occurred=row["date"] or None,
            links=(PAGE.format(number), *(f"{PAGE.format(number)}#r{one}" for one in reports))[:MOST_LINKS],
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in problem["loc"])
        return Refused(_id(number), "malformed", f"{where}: {problem['msg']}"[:300], broken=True)
    given_up = tuple(_id(old) for old, new in snapshot.leads_to.items() if new == number)
    return Imported(_id(number), submission, given_up)


def _text(number: str, date: str, parties: dict[str, list[str]], reports: list[str], models: tuple[str, ...]) -> str:
    """What the snapshot says as facts, in our words."""
    dated = f", dated {date}" if date else ""
    sentences = [
        f"The AI Incident Database lists this event as incident {number}{dated}; it names {', '.join(models)}."
    ]
    named = [f"{', '.join(slugs)} {words}" for words, slugs in parties.items() if slugs]
    if named:
        sentences.append(f"By its own short names, it lists {'; '.join(named)}.")
    if reports:
        sentences.append(f"It links {len(reports)} published report{'s' * (len(reports) > 1)}.")
    sentences.append(f"Read the account there: {PAGE.format(number)}")
    return " ".join(sentences)


def _categories(file: SourceFile) -> dict[str, str]:
    """Of the published classifications: the number of an incident -> our category."""
    found: dict[str, str] = {}
    for _, row in _rows(file):
        if row and row.get("Published", "").lower() == "true":
            code = _CATEGORIES.get(row.get("Risk Subdomain", "")[:3])
            if code:
                found[row.get("Incident ID", "")] = code
    return found


def _redirections(file: SourceFile) -> dict[str, str]:
    """A number that was given up -> the one that stands, through every step."""
    pairs = {
        row["duplicate_incident_number"]: row["true_incident_number"]
        for _, row in _rows(file)
        if row
        and _NUMBER.fullmatch(row.get("duplicate_incident_number", ""))
        and _NUMBER.fullmatch(row.get("true_incident_number", ""))
    }
    return {number: _end(number, pairs) for number in pairs if _end(number, pairs) != number}


def _end(number: str, pairs: dict[str, str]) -> str:
    seen = {number}
    while (following := pairs.get(number)) and following not in seen:
        seen.add(following)
        number = following
    return number


def _header(file: SourceFile) -> list[str]:
    return next((names for _, names in _cells(file) if names), [])


def _rows(file: SourceFile) -> Iterator[tuple[str, Row | None]]:
    """Each row under its header, None for what is none, and where it stands."""
    header: list[str] = []
    for place, cells in _cells(file):
        if cells is None or (header and len(cells) > len(header)):
            yield place, None
        elif not header:
            header = cells
        elif any(cells):
            row: Row = {}
            for name, value in zip(header, cells, strict=False):
                row[name] = row.get(name) or value.strip()
            yield place, {**dict.fromkeys(header, ""), **row}


def _cells(file: SourceFile) -> Iterator[tuple[str, list[str] | None]]:
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(file.content.decode("utf-8-sig", "replace"), newline="")
    reader = csv.reader(lines)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield f"{file.last} line {reader.line_num}", None
        else:
            yield f"{file.last} line {reader.line_num}", cells


def _list(cell: str) -> list[str]:
    """A list column: a JSON list in a cell; empty for an empty cell. Raises ValueError."""
    value: Any = json.loads(cell) if cell else []
    if not isinstance(value, list):
        raise ValueError("a cell holds another value than a list")  # noqa: TRY004 - of the cell, not of ours
    return ["".join(letter for letter in str(one) if letter.isprintable())[:200] for one in value]


def _id(number: str) -> str:
    return f"AIID-{number}"


IMPORTER = Aiid()
