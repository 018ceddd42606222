"""Feeds in the OSV format (Open Source Vulnerability format, ossf.github.io/osv-schema): JSON, one document a file.

A folder, an archive of it such as a bucket's `all.zip`, a list, or documents one a line. Only entries on models are
reported: those whose package URL, or git repository, is a model on a hub that we know. A feed is a hazard unless its
entry says more, a withdrawn entry is refused, so that what was made of it is proposed for withdrawal. The licence is
each feed's own.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from catalogue.hub import Reference, UnreadableReferenceError
from catalogue.references import read
from incidents.record import Kind, WebUrl
from reports.import_files import SourceFile
from reports.importer import Imported, Refused
from reports.submission import MOST_LINKS, MOST_MODELS, Submission

# Software is on hubs of code: a repository there is no model by that alone.
_MODEL_HUBS = frozenset({"huggingface", "modelscope", "kaggle", "ollama", "civitai"})
_BACKDOOR = re.compile(r"\b(?:malicious|backdoor|malware|reverse shell)", re.IGNORECASE)
_LINK: TypeAdapter[str] = TypeAdapter(WebUrl)
_SHORTEST_TEXT = 30
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{2,99}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Package(_Part):
    purl: str = ""


class _Range(_Part):
    repo: str = ""


class _Affected(_Part):
    package: _Package | None = None
    ranges: tuple[_Range, ...] | None = ()


class _Reference(_Part):
    url: str = ""


class _Entry(_Part):
    id: str = Field(pattern=_ID)
    modified: str
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = ()
    summary: str = ""
    details: str = ""
    affected: tuple[_Affected, ...] | None = ()
    references: tuple[_Reference, ...] | None = ()


class Osv:
    """Reads feeds in the OSV format."""

    slug = "osv"
    title = "OSV feed"
    licence = ""

    def read_files(self, files: Iterable[SourceFile]) -> Iterator[Imported | Refused]:
        """Every document in files that end in .json or .jsonl."""
        for file in files:
            if file.refused:
                yield Refused(file.name, "malformed", file.refused, broken=True)
            elif file.suffix == ".json":
                yield from _of_json(file)
            elif file.suffix in {".jsonl", ".ndjson"}:
                for number, line in enumerate(file.content.split(b"\n"), start=1):
                    if line.strip():
                        yield _of_bytes(line, f"{file.name} line {number}")


def _of_json(file: SourceFile) -> Iterator[Imported | Refused]:
    try:
        value = json.loads(file.content)
    except (ValueError, RecursionError) as error:
        yield Refused(file.name, "malformed", f"not JSON: {error}"[:300], broken=True)
        return
    if isinstance(value, list):
        yield from (_read(one, f"{file.name} {place}") for place, one in enumerate(value, start=1))
    else:
        yield _read(value, file.name)


def _of_bytes(line: bytes, place: str) -> Imported | Refused:
    try:
        return _read(json.loads(line), place)
    except (ValueError, RecursionError) as error:
        return Refused(place, "malformed", f"not JSON: {error}"[:300], broken=True)


def _read(value: Any, place: str) -> Imported | Refused:
    try:
        entry = _Entry.model_validate(value)
        models = _models(entry)
        if entry.withdrawn:
            return Refused(entry.id, "withdrawn", f"withdrawn there {entry.withdrawn[:30]}")
        if not models:
            return Refused(entry.id, "no_model", "affects no model on a hub that we know")
        submission = Submission(
            models=models,
            title=" ".join((entry.summary or entry.id).split())[:200],
            text=_text(entry)[:50_000],
            category="backdoor.malicious_file" if _BACKDOOR.search(entry.summary) else "security_vulnerability",
            kind=Kind.HAZARD,
            links=_links(entry),
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in problem["loc"])
        return Refused(
            _name_of(value, place), "malformed", f"{where or 'document'}: {problem['msg']}"[:300], broken=True
        )
    return Imported(entry.id, submission, tuple(one for one in entry.aliases or () if 3 <= len(one) <= 100))  # noqa: PLR2004


def _name_of(value: Any, place: str) -> str:
    given = value.get("id") if isinstance(value, dict) else None
    return given if isinstance(given, str) and re.fullmatch(_ID, given) else place


def _text(entry: _Entry) -> str:
    said = entry.details.strip() or entry.summary.strip()
    return said if len(said) >= _SHORTEST_TEXT else f"{said} (The feed's entry {entry.id} says no more.)".strip()


def _models(entry: _Entry) -> tuple[str, ...]:
    """The models that it affects, each as its package URL or the address of its repository."""
    named = [
        text
        for affected in entry.affected or ()
        for text in (affected.package.purl if affected.package else "", *(one.repo for one in affected.ranges or ()))
        if text and _is_model(text)
    ]
    return tuple(dict.fromkeys(named))[:MOST_MODELS]


def _is_model(text: str) -> bool:
    found = _reference(text)
    return found is not None and found.hub in _MODEL_HUBS


def _reference(text: str) -> Reference | None:
    try:
        return read(text)
    except UnreadableReferenceError:
        return None


def _links(entry: _Entry) -> tuple[str, ...]:
    urls = dict.fromkeys(one.url.strip() for one in entry.references or ())
    return tuple(url for url in urls if _is_link(url))[:MOST_LINKS]


def _is_link(url: str) -> bool:
    try:
        _LINK.validate_python(url)
    except ValidationError:
        return False
    return True


IMPORTER = Osv()
