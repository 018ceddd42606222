"""AVID, the AI Vulnerability Database, as `avidml/avid-db` publishes it.

It is a folder of JSON documents, or an archive of that; a list of documents; or documents one a line.

What becomes of a record:

- Only open models are reported. A model is one if the record itself links its repository, or if AVID's
  spelling of it is in `avid_models.json`, which says why. It gets a hub address only where that is certain,
  else its plain name; whatever else the record names is left out.
- Kind: a measurement or a detection (a measurement with a significance test) is a `measurement`, red-team
  scores too. An AIID incident is an `incident`; an ATLAS case study, mostly red-team work, an `exercise`. The
  rest, advisories and issues, describe flaws: `hazard`.
- Category: the first of AVID's own SEP terms that has a counterpart, else what the title says, else
  `unsafe_content`. It is a proposal: a moderator decides.
- `occurred` stays open, for AVID dates only the report; the people it credits are not imported as contacts.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from incidents.record import Kind, WebUrl
from reports.import_files import SourceFile
from reports.importer import Imported, Refused
from reports.submission import MOST_LINKS, Submission

MODELS = Path(__file__).with_name("avid_models.json")
HUGGING_FACE = "https://huggingface.co/"
MOST_TITLE = 200
MOST_DETAIL = 300


class Reason(StrEnum):
    """Why a record is not imported; where several of the models' reasons apply, the first of them counts."""

    MALFORMED = "malformed"  # not JSON, or not an AVID document
    DUPLICATE = "duplicate"  # an earlier line has the same id
    VULNERABILITY = "vulnerability"  # AVID's digest of reports that are imported by themselves
    INVALID = "invalid"  # about an open model, but no valid report
    UNKNOWN_MODEL = "unknown_model"  # names a model of which we cannot say whether it is open
    CLOSED_MODEL = "closed_model"  # names models whose weights nobody can have
    SYSTEM = "system"  # names software or services only
    NO_MODEL = "no_model"  # names nothing, or datasets only


class _Part(BaseModel):
    """Part of a document, as much of it as we read; AVID's own schema is stricter than AVID's own data."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Metadata(_Part):
    report_id: str = ""
    vuln_id: str = ""


class _Artifact(_Part):
    type: str = ""
    name: str = ""


class _Affects(_Part):
    developer: tuple[str, ...] = ()
    artifacts: tuple[_Artifact, ...] = ()


class _Prose(_Part):
    value: str = ""


class _Problem(_Part):
    classof: str = ""
    type: str | None = None
    description: _Prose | None = None


class _Reference(_Part):
    url: str = ""


class _Taxonomy(_Part):
    sep_view: tuple[str, ...] = ()


class _Impact(_Part):
    avid: _Taxonomy | None = None


class _Summarised(_Part):
    report_id: str = ""


class _Document(_Part):
    """A report or a vulnerability: they differ in their metadata and in `reports`."""

    metadata: _Metadata
    affects: _Affects | None = None
    problemtype: _Problem | None = None
    references: tuple[_Reference, ...] | None = None
    description: _Prose | None = None
    impact: _Impact | None = None
    reports: tuple[_Summarised, ...] | None = None

    @property
    def id(self) -> str:
        return self.metadata.report_id or self.metadata.vuln_id

    @property
    def title(self) -> str:
        problem = self.problemtype
        return " ".join(problem.description.value.split()) if problem and problem.description else ""

    @property
    def named(self) -> tuple[_Artifact, ...]:
        """What it affects, as far as that has a name."""
        return tuple(a for a in self.affects.artifacts if a.name.strip()) if self.affects else ()

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reference.url.strip() for reference in self.references or ()))


class OpenModel(BaseModel):
    """A row of the table: an open model, AVID's spellings of it, and its repository where that is certain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[^/]+$", description="With no slash, lest it be read as a repository.")
    spellings: tuple[str, ...] = Field(min_length=1)
    developers: tuple[str, ...] = ()
    huggingface: str = Field("", pattern=r"^([\w.-]+/[\w.-]+)?$")
    why: str = Field(min_length=20)


class ModelTable(BaseModel):
    """`avid_models.json`: open models with their reasons, and closed ones by developer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    open: tuple[OpenModel, ...]
    closed: dict[str, tuple[str, ...]]


_BROKEN = frozenset({Reason.MALFORMED, Reason.DUPLICATE, Reason.INVALID})

# AVID's SEP terms by code, or by group (its first three characters); those that name no harm are left out.
SEP_CATEGORIES = {
    "S01": "security_vulnerability",
    "S02": "backdoor",
    "S0202": "backdoor.malicious_file",
    "S03": "security_vulnerability",
    "S0301": "privacy_leak",
    "S04": "adversarial_attack",
    "S05": "privacy_leak",
    "S0502": "intellectual_property",
    "S06": "data_poisoning",
    "E01": "bias",
    "E03": "unsafe_content",
    "E0302": "bias",
    "E04": "misinformation",
    "P0204": "misinformation",
    "P03": "privacy_leak",
    "P04": "unsafe_content",
}
# For records without such a term: the first of these that the title contains. Most are names of benchmarks.
TITLE_CATEGORIES = {
    "guardrail evasion": "adversarial_attack",
    "jailbreak": "unsafe_content",
    "prompt injection": "adversarial_attack",
    "`apikey.": "privacy_leak",
    "`goodside.": "adversarial_attack",
    "`packagehallucination.": "misinformation",
    "bbq benchmark": "bias",
    "bold benchmark": "bias",
}
KINDS = {
    "Measurement": Kind.MEASUREMENT,
    "Detection": Kind.MEASUREMENT,
    "AIID Incident": Kind.INCIDENT,
    "ATLAS Case Study": Kind.EXERCISE,
}

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,99}")
_REPOSITORY = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/"
    r"(?!(?:api|blog|collections|datasets|docs|learn|models|organizations|papers|spaces|tasks)/)"
    r"([\w.-]+/[\w.-]+)(?:[/?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_LINK: TypeAdapter[str] = TypeAdapter(WebUrl)


class Avid:
    """Reads AVID's reports and, to refuse them by name, its vulnerabilities."""

    slug = "avid"
    title = "AI Vulnerability Database (AVID)"
    licence = "MIT"

    def read_files(self, files: Iterable[SourceFile]) -> Iterator[Imported | Refused]:
        """Every document in files that end in .json (one, or a list) or in .jsonl; other files are none of AVID's."""
        places = (place for file in files for place in _places(file))
        yield from _without_doubles(places)

    def read(self, lines: Iterable[str]) -> Iterator[Imported | Refused]:
        """One result a line that is not blank, in order; without a usable id it is called `line <number>`."""
        yield from _without_doubles(_lines(lines, ""))


_Place = tuple[str, Any]


def _places(file: SourceFile) -> Iterator[_Place]:
    """Each document of a file, as text or as a value, and where it stands."""
    if file.refused or file.suffix not in {".json", ".jsonl", ".ndjson"}:
        if file.refused:
            yield file.name, file.content
        return
    if file.suffix != ".json":
        yield from _lines(file.content.decode("utf-8", "replace").split("\n"), f"{file.name} ")
        return
    try:
        value = json.loads(file.content)
    except (ValueError, RecursionError):
        value = file.content.decode("utf-8", "replace")
    if isinstance(value, list):
        yield from ((f"{file.name} {place}", one) for place, one in enumerate(value, start=1))
    else:
        yield file.name, value


def _lines(lines: Iterable[str], prefix: str) -> Iterator[_Place]:
    for number, line in enumerate(lines, start=1):
        if line.strip("\ufeff \t\r\n"):
            yield f"{prefix}line {number}", line


def _without_doubles(places: Iterable[_Place]) -> Iterator[Imported | Refused]:
    seen: set[str] = set()
    for place, given in places:
        result = _read_line(given, place)
        if result.source_id in seen:
            result = _refuse(place, Reason.DUPLICATE, f"{result.source_id} stands before it")
        seen.add(result.source_id)
        yield result


def _read_line(given: Any, place: str) -> Imported | Refused:
    try:
        value: Any = json.loads(given.strip("\ufeff \t\r\n")) if isinstance(given, str) else given
    except (ValueError, RecursionError) as error:
        return _refuse(place, Reason.MALFORMED, f"not JSON: {error}")
    try:
        document = _Document.model_validate(value)
    except ValidationError as error:
        return _refuse(place, Reason.MALFORMED, _first(error))
    if not _ID.fullmatch(document.id):
        return _refuse(place, Reason.MALFORMED, "no id, or not one that can be cited")
    return _read_document(document)


def _read_document(document: _Document) -> Imported | Refused:
    if not document.metadata.report_id:
        return _refuse(document.id, Reason.VULNERABILITY, _summarised(document))
    models = _open_models(document)
    if not models:
        return _without_open_model(document)
    try:
        return Imported(document.id, _submission(document, models))
    except ValidationError as error:
        return _refuse(document.id, Reason.INVALID, _first(error))


def _submission(document: _Document, models: tuple[str, ...]) -> Submission:
    return Submission(
        models=models,
        title=_shortened(document.title, MOST_TITLE),
        text=document.description.value if document.description else "",
        category=_category(document),
        kind=_kind(document.problemtype),
        occurred=None,
        links=tuple(link for link in document.links if _is_link(link))[:MOST_LINKS],
        contact="",
    )


def _kind(problem: _Problem | None) -> Kind:
    if problem is None:
        return Kind.HAZARD
    return KINDS.get(problem.type or "") or KINDS.get(problem.classof) or Kind.HAZARD


def _category(document: _Document) -> str:
    terms = document.impact.avid.sep_view if document.impact and document.impact.avid else ()
    for code in (term[:5] for term in terms):
        if category := SEP_CATEGORIES.get(code) or SEP_CATEGORIES.get(code[:3]):
            return category
    title = document.title.casefold()
    return next((code for words, code in TITLE_CATEGORIES.items() if words in title), "unsafe_content")


def _open_models(document: _Document) -> tuple[str, ...]:
    """The open models it names, each once: a hub address where that is certain, else a plain name."""
    own = _own_repositories(document)
    names = [artifact.name.strip() for artifact in document.named if artifact.type != "Dataset"]
    found = (own.get(_folded(_repository(name) or name)) or _listed(name, document) for name in names)
    return tuple(dict.fromkeys(model for model in found if model))


def _own_repositories(document: _Document) -> dict[str, str]:
    """The repositories that the record itself links, by `org/name`, and by name where only one has it."""
    addresses = (*document.links, *(artifact.name.strip() for artifact in document.named))
    linked = {found.casefold(): found for address in addresses if (found := _repository(address))}
    times = Counter(_last(key) for key in linked)
    alone = {_last(key): found for key, found in linked.items() if times[_last(key)] == 1}
    return {key: HUGGING_FACE + found for key, found in (linked | alone).items()}


def _listed(name: str, document: _Document) -> str:
    """What the table says of that spelling; empty where it knows none, or only another developer's."""
    row = _open_spellings().get(_folded(name))
    if row is None or document.affects is None:
        return ""
    known = {_folded(developer) for developer in row.developers}
    if known and known.isdisjoint(_folded(developer) for developer in document.affects.developer):
        return ""
    return HUGGING_FACE + row.huggingface if row.huggingface else row.name


def _without_open_model(document: _Document) -> Refused:
    """Why no open model is in it: the weightiest reason, the names it applies to, then all others."""
    reasons = {artifact.name.strip(): _reason(artifact) for artifact in document.named}
    weightiest = min(reasons.values(), key=list(Reason).index, default=Reason.NO_MODEL)
    names = ", ".join(name for name, reason in reasons.items() if reason is weightiest)
    others = ", ".join(name for name, reason in reasons.items() if reason is not weightiest)
    return _refuse(document.id, weightiest, f"{names}; also {others}" if others else names)


def _reason(artifact: _Artifact) -> Reason:
    if _folded(artifact.name) in _closed_spellings():
        return Reason.CLOSED_MODEL
    return {"System": Reason.SYSTEM, "Dataset": Reason.NO_MODEL}.get(artifact.type, Reason.UNKNOWN_MODEL)


def _summarised(document: _Document) -> str:
    reports = [report.report_id for report in document.reports or () if report.report_id]
    source = document.problemtype.classof if document.problemtype else ""
    return f"summarises {', '.join(reports)}" if reports else f"retells: {source or 'no source stated'}"


def _repository(url: str) -> str:
    """`org/name` of a Hugging Face model's page, or of a page under it; empty for any other address."""
    match = _REPOSITORY.fullmatch(url)
    return match[1] if match else ""


def _last(repository: str) -> str:
    return repository.partition("/")[2]


def _is_link(url: str) -> bool:
    try:
        _LINK.validate_python(url)
    except ValidationError:
        return False
    return True


def _refuse(source_id: str, reason: Reason, detail: str) -> Refused:
    # A refusal is printed and kept: one line, printable, and short, whatever the record held.
    printable = "".join(character if character.isprintable() else " " for character in detail)
    return Refused(source_id, reason.value, _shortened(printable, MOST_DETAIL), broken=reason in _BROKEN)


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(step) for step in problem['loc']) or 'document'}: {problem['msg']}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


@cache
def model_table() -> ModelTable:
    """The table of spellings. Raises pydantic.ValidationError for a malformed file."""
    return ModelTable.model_validate_json(MODELS.read_bytes())


@cache
def _open_spellings() -> dict[str, OpenModel]:
    return {_folded(s): row for row in model_table().open for s in (*row.spellings, row.huggingface) if s}


@cache
def _closed_spellings() -> frozenset[str]:
    named = [(maker, name) for maker, names in model_table().closed.items() for name in names]
    return frozenset(_folded(spelling) for maker, name in named for spelling in (name, f"{maker} {name}"))


IMPORTER = Avid()
