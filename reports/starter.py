"""The starter collection: real, documented incidents as YAML, one file each in `reports/collection/`.

Plain data: reading and validating only. The command `load_starter` takes them through the same verbs as any report.
"""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from incidents.record import (
    AffectedStatus,
    Classification,
    Confidence,
    EvidenceGrade,
    Kind,
    ReducedDate,
    Severity,
    Source,
    TermCode,
)
from incidents.taxonomy import category_codes, taxonomies

FOLDER = Path(__file__).parent / "collection"


class NamedModel(BaseModel):
    """A model an entry is about. `model` is a hub URL, org/name or purl; `name` alone where it is on no hub we know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("", max_length=500)
    name: str = Field("", max_length=300)
    status: AffectedStatus = AffectedStatus.AFFECTED
    note: str = Field("", max_length=1000)


class Entry(BaseModel):
    """One entry; `key` is the file's name without its ending and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    title: str = Field(min_length=10, max_length=120)
    summary: str = Field(min_length=80, max_length=600)
    description: str = Field("", max_length=20_000)
    kind: Kind
    category: TermCode
    severity: Severity
    evidence_grade: EvidenceGrade
    confidence: Confidence
    occurred: ReducedDate | None = None
    affected: tuple[NamedModel, ...] = Field(min_length=1)
    classifications: tuple[Classification, ...] = ()
    references: tuple[Source, ...] = Field(min_length=1)
    aliases: tuple[str, ...] = ()

    @field_validator("category")
    @classmethod
    def _known_category(cls, code: str) -> str:
        if code not in category_codes():
            raise ValueError(f"no such category: {code}")
        return code

    @field_validator("classifications")
    @classmethod
    def _known_terms(cls, given: tuple[Classification, ...]) -> tuple[Classification, ...]:
        for one in given:
            taxonomy = taxonomies().get(one.taxonomy)
            if taxonomy is None or taxonomy.term(one.term) is None:
                raise ValueError(f"no such term: {one.taxonomy} {one.term}")
        return given

    @field_validator("affected")
    @classmethod
    def _named(cls, given: tuple[NamedModel, ...]) -> tuple[NamedModel, ...]:
        if any(bool(one.model) == bool(one.name) for one in given):
            raise ValueError("each affected model has either `model` or `name`")
        return given


@cache
def entries() -> tuple[Entry, ...]:
    """The whole collection by key. Raises pydantic.ValidationError or yaml.YAMLError, naming the file."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.yaml")))


def _read(path: Path) -> Entry:
    return Entry.model_validate({"key": path.stem, **yaml.safe_load(path.read_text("utf-8"))})
