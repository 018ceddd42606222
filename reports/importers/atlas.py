"""MITRE ATLAS: its case studies, as `mitre-atlas/atlas-data` publishes them: YAML, one file each.

What becomes of a study:

- Only those that name an open model are reported; most are about services and products.
- Kind: as ATLAS says, `incident` or `exercise`. Category: what its name and summary say, else `adversarial_attack`; a
  moderator decides.
- `incident-date` is cut to its own `incident-date-granularity`: a year is not the first of January.
- The summary is kept with its source named (Apache-2.0). Reporters and actors are not imported.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from incidents.record import Kind, WebUrl
from reports.import_files import SourceFile
from reports.importer import Imported, Refused
from reports.open_names import named_in
from reports.submission import MOST_LINKS, MOST_MODELS, Submission

PAGE = "https://atlas.mitre.org/studies/{}"
_ID = r"^AML\.CS[0-9]{4,6}$"
_PRECISION = {"YEAR": 4, "MONTH": 7, "DATE": 10}
# The first of these words in name or summary.
_CATEGORIES = {
    "backdoor": "backdoor",
    "reverse shell": "backdoor.malicious_file",
    "embedded malware": "backdoor.malicious_file",
    "misinformation": "misinformation",
    "poison": "data_poisoning",
    "phishing": "misuse.phishing",
    "deepfake": "misuse.deepfake",
    "malware": "misuse.cybercrime",
    "replicat": "intellectual_property",
}
_AIID = re.compile(r"https?://(?:www\.)?incidentdatabase\.ai/cite/([0-9]{1,6})/?", re.ASCII)
_AVID = re.compile(r"\bAVID-[0-9]{4}-[RVv][0-9]{3,5}\b", re.ASCII)
_LINK: TypeAdapter[str] = TypeAdapter(WebUrl)


class _Reference(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    title: str = ""
    url: str | None = ""


class _Step(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    description: str | None = ""


class _Study(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(pattern=_ID)
    name: str
    summary: str
    kind: Kind = Field(alias="case-study-type")
    happened: str = Field(alias="incident-date")
    granularity: str = Field("DATE", alias="incident-date-granularity")
    target: str = ""
    procedure: tuple[_Step, ...] | None = ()
    references: tuple[_Reference, ...] | None = ()

    @field_validator("happened", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @property
    def occurred(self) -> str:
        return self.happened[: _PRECISION.get(self.granularity, 10)]

    @property
    def links(self) -> list[str]:
        found = [PAGE.format(self.id), *(one.url.strip() for one in self.references or () if one.url)]
        return [link for link in dict.fromkeys(found) if _is_link(link)][:MOST_LINKS]

    @property
    def prose(self) -> str:
        steps = (step.description or "" for step in self.procedure or ())
        return "\n".join([self.name, self.summary, self.target, *steps, *self.links])


class Atlas:
    """Reads ATLAS's case studies."""

    slug = "atlas"
    title = "MITRE ATLAS"
    licence = "Apache-2.0"

    def read_files(self, files: Iterable[SourceFile]) -> Iterator[Imported | Refused]:
        """Every YAML file that is a case study; tactics and techniques in the same archive are passed over."""
        for file in files:
            if file.suffix not in {".yaml", ".yml"}:
                continue
            try:
                value = yaml.load(file.content, Loader=_Loader)  # noqa: S506 - a SafeLoader
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                yield Refused(file.name, "malformed", f"not YAML: {str(error).splitlines()[0][:200]}", broken=True)
                continue
            if isinstance(value, dict) and value.get("object-type") == "case-study":
                yield _read(value, file.name)
            elif file.last.startswith("AML.CS"):
                yield Refused(file.name, "malformed", "named like a case study, and is none", broken=True)


class _Loader(yaml.SafeLoader):
    """Plain values without aliases, by which few bytes can stand for very many."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses aliases")
        return super().compose_node(parent, index)


def _read(value: dict[Any, Any], place: str) -> Imported | Refused:
    try:
        study = _Study.model_validate(value)
        models = named_in(study.prose)[:MOST_MODELS]
        if not models:
            return Refused(study.id, "no_open_model", _one_line(study.target or study.name))
        submission = Submission(
            models=models,
            title=_one_line(study.name)[:200],
            text=f"{study.summary.strip()}\n\nSource: MITRE ATLAS case study {study.id}, {PAGE.format(study.id)}.",
            category=_category(study),
            kind=study.kind,
            occurred=study.occurred,
            links=tuple(study.links),
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in problem["loc"])
        given = value.get("id")
        named = given if isinstance(given, str) and re.fullmatch(_ID, given) else place
        return Refused(named, "malformed", f"{where or 'study'}: {problem['msg']}"[:300], broken=True)
    return Imported(study.id, submission, _other_ids(study))


def _other_ids(study: _Study) -> tuple[str, ...]:
    """Ids of the event elsewhere, as the study's references give them."""
    aiid = [f"AIID-{match[1]}" for one in study.references or () if (match := _AIID.match(one.url or ""))]
    avid = [match[0] for one in study.references or () if (match := _AVID.search(f"{one.title} {one.url}".upper()))]
    return tuple(dict.fromkeys([*aiid, *avid]))


def _category(study: _Study) -> str:
    said = f"{study.name} {study.summary}".casefold()
    return next((code for words, code in _CATEGORIES.items() if words in said), "adversarial_attack")


def _is_link(url: str) -> bool:
    try:
        _LINK.validate_python(url)
    except ValidationError:
        return False
    return True


def _one_line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:300]


IMPORTER = Atlas()
