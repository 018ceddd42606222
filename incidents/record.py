"""The public document of one incident: the only shape that leaves a node.

One `Record` is what publishing freezes into RFC 8785 bytes, what pages and API serve, and what the served JSON Schema
(`json_schema`) describes. Plain data: it knows no database and no framework.
"""

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

SCHEMA: Literal["faultline/incident/1"] = "faultline/incident/1"


class Status(StrEnum):
    """Where the record stands now."""

    PUBLISHED = "published"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


class Kind(StrEnum):
    """What sort of event is recorded. Only `incident` counts as one in any statistic."""

    INCIDENT = "incident"
    HAZARD = "hazard"
    EXERCISE = "exercise"
    MEASUREMENT = "measurement"


class Severity(StrEnum):
    """How bad it was, or could plausibly have been."""

    UNKNOWN = "unknown"
    NEGLIGIBLE = "negligible"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CRITICAL = "critical"


class EvidenceGrade(StrEnum):
    """What the record rests on."""

    CLAIM = "claim"
    DOCUMENTED = "documented"
    REPRODUCED = "reproduced"
    CONFIRMED = "confirmed"


class Confidence(StrEnum):
    """How sure the moderators are that the record as worded is true."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class AffectedStatus(StrEnum):
    """What a model is to this incident (the terms of CSAF 2.0 and VEX)."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


class PublisherStatus(StrEnum):
    """What a model's publisher says of one revision of it."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    DISPUTED = "disputed"


class Match(StrEnum):
    """How exactly the record names the model, most exact first."""

    FILE = "file"
    REVISION = "revision"
    REPOSITORY = "repository"
    INHERITED = "inherited"
    NAME_ONLY = "name_only"


MEANINGS: dict[type[StrEnum], dict[str, str]] = {
    Kind: {
        Kind.INCIDENT: "Harm happened, or a real attempt at it was made.",
        Kind.HAZARD: "A flaw that could do harm; none is known yet.",
        Kind.EXERCISE: "A demonstration by researchers or a red team.",
        Kind.MEASUREMENT: "A benchmark or audit result; never counted as an incident.",
    },
    Severity: {
        Severity.UNKNOWN: "Not assessed.",
        Severity.NEGLIGIBLE: "A nuisance, put right at once.",
        Severity.LOW: "Limited harm to few people, reversible without help.",
        Severity.MODERATE: "Real harm to some people, or limited harm to many; reversible with effort.",
        Severity.HIGH: "Serious harm to people, rights or systems; hard to reverse.",
        Severity.CRITICAL: "Loss of life or liberty, or wide and lasting damage.",
    },
    EvidenceGrade: {
        EvidenceGrade.CLAIM: "Somebody says so.",
        EvidenceGrade.DOCUMENTED: "Transcripts, files, logs or published reporting show it.",
        EvidenceGrade.REPRODUCED: "Somebody independent of the first reporter made it happen again.",
        EvidenceGrade.CONFIRMED: "The publisher, the hub or an authority confirmed it, or the artefact shows it.",
    },
    Confidence: {
        Confidence.LOW: "Plausible, with open questions.",
        Confidence.MEDIUM: "Probably true as worded.",
        Confidence.HIGH: "No reasonable doubt.",
    },
    Match: {
        Match.FILE: "this very file",
        Match.REVISION: "this revision",
        Match.REPOSITORY: "the repository; the revision is not known",
        Match.INHERITED: "inherited from a base model",
        Match.NAME_ONLY: "by name only; not tied to a repository",
    },
    AffectedStatus: {
        AffectedStatus.AFFECTED: "affected",
        AffectedStatus.NOT_AFFECTED: "not affected",
        AffectedStatus.FIXED: "fixed",
        AffectedStatus.UNDER_INVESTIGATION: "under investigation",
    },
    PublisherStatus: {
        PublisherStatus.AFFECTED: "The publisher confirms it.",
        PublisherStatus.NOT_AFFECTED: "The publisher says that this revision does not have the problem.",
        PublisherStatus.FIXED: "The publisher says in which revision it was fixed.",
        PublisherStatus.DISPUTED: "The publisher says that the record is wrong about it.",
    },
    Status: {
        Status.PUBLISHED: "In force.",
        Status.DISPUTED: "In force, and disputed; the reasons are shown.",
        Status.WITHDRAWN: "No longer stands; kept so that citations resolve.",
    },
}


def _reduced_date(text: str) -> str:
    parts = [int(part) for part in text.split("-")]
    date(*[*parts, 1, 1][:3])
    return text


def _instant(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - the Z is part of the format
    return text


def _visible(text: str) -> str:
    # Control, format and private-use characters: what a reader cannot see, a link must not hold.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Co", "Zl", "Zp"} for character in text):
        raise ValueError("it holds characters that cannot be seen")
    return text


# A day, a month or a year: ISO 8601-1:2019, 5.2.2 with reduced precision.
ReducedDate = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"),
    AfterValidator(_reduced_date),
]
# RFC 3339, UTC, whole seconds.
Instant = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    AfterValidator(_instant),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
WebUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f\x7f<>\"]+$", max_length=2000), AfterValidator(_visible)
]
_PUBLIC_ID = r"^FL-[0-9]{4}-[0-9A-HJKMNP-TV-Z]{8}$"
PublicId = Annotated[str, StringConstraints(pattern=_PUBLIC_ID)]
Revision = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f]+$", max_length=200), AfterValidator(_visible)]
TermCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Observation(_Plain):
    """What the hub said of the model, and when: frozen at publication."""

    at: Instant
    revision: str = Field(
        description="The commit the hub resolved to then; empty where the hub gave none.", max_length=64
    )
    licence: str = Field("", description="As the publisher claimed it.", max_length=200)
    gated: bool = False
    disabled: bool = False


class ModelChange(_Plain):
    """A change of the model that was noticed on its hub after the first report, for example weights_replaced."""

    change: TermCode
    noticed: Instant
    before: str = Field("", max_length=1000)
    after: str = Field("", max_length=1000)


class AffectedFile(_Plain):
    """One file of the repository."""

    path: str = Field(min_length=1, max_length=1000)
    sha256: Sha256 | None = None


class AffectedModel(_Plain):
    """A model this incident is about, as exactly as it is known."""

    hub: str | None = Field(
        None,
        description="Where the model lives, for example huggingface; null if not on a hub.",
        max_length=40,
    )
    name: str = Field(description="Repository name on the hub, or the model's name.", min_length=1, max_length=300)
    stable_id: str | None = Field(None, description="The hub's own id, which survives renames.", max_length=100)
    revision: str | None = Field(None, description="Immutable commit; null where it is not known.", max_length=64)
    purl: str | None = Field(None, description="Package URL, where the hub has one.", max_length=1000)
    files: tuple[AffectedFile, ...] = ()
    status: AffectedStatus = AffectedStatus.AFFECTED
    match: Match
    note: str = Field("", max_length=1000)
    observed: Observation | None = None
    changes: tuple[ModelChange, ...] = ()
    fixed_in: tuple[Revision, ...] = Field((), description="Revisions in which moderators found it fixed.")
    not_affected_in: tuple[Revision, ...] = Field((), description="Revisions that moderators found not affected.")


class RevisionStatus(_Plain):
    """What a publisher says of one revision of a model; an empty revision stands for all that are not named."""

    hub: str | None = Field(None, max_length=40)
    name: str = Field(min_length=1, max_length=300)
    revision: Revision | None = None
    status: PublisherStatus
    fixed_in: Revision | None = Field(None, description="Where the status is fixed: the revision that fixed it.")

    @model_validator(mode="after")
    def _fixed_somewhere(self) -> "RevisionStatus":
        if (self.status is PublisherStatus.FIXED) != (self.fixed_in is not None):
            raise ValueError("the status fixed, and no other, names the revision that fixed it")
        return self


class Statement(_Plain):
    """What a model's publisher says about the record: their words, checked for abuse and for nothing else."""

    by: str = Field(description="Who says so.", min_length=1, max_length=200)
    role: Literal["publisher"] = "publisher"
    at: Instant = Field(description="When it was received.")
    text: str = Field("", description="Markdown, as in `description`.", max_length=10_000)
    statuses: tuple[RevisionStatus, ...] = Field((), max_length=200)


class Classification(_Plain):
    """A term of a published taxonomy."""

    taxonomy: TermCode
    term: TermCode


class Source(_Plain):
    """Where a reader can check what the record says."""

    title: str = Field(min_length=1, max_length=500)
    publisher: str = Field("", max_length=200)
    url: WebUrl
    date: ReducedDate | None = None


_LEFT_OUT_WHEN_EMPTY = frozenset({"statements", "fixed_in", "not_affected_in", "superseded_by", "reproductions"})


class Record(_Plain):
    """One incident, as the world sees it."""

    schema_: Literal["faultline/incident/1"] = Field(SCHEMA, alias="schema")
    id: PublicId
    origin: str = Field(description="The node that published it.", min_length=1, max_length=253)
    version: int = Field(ge=1, description="1 for the first publication; every later one adds 1.")
    status: Status
    published: Instant = Field(description="First publication.")
    modified: Instant = Field(description="This version.")
    title: str = Field(min_length=5, max_length=200)
    summary: str = Field(description="Two or three plain sentences.", min_length=20, max_length=1000)
    description: str = Field("", description="Markdown (CommonMark and tables; no HTML, no images).", max_length=50_000)
    kind: Kind
    category: TermCode = Field(description="A term of the taxonomy `faultline`.")
    severity: Severity
    evidence_grade: EvidenceGrade
    confidence: Confidence
    reproductions: int | None = Field(
        None,
        description="How often somebody independent of the first reporter made it happen again, as moderators counted: "
        "reports that copy each other count once; null where nobody counted.",
        ge=0,
        le=1000,
    )
    occurred: ReducedDate | None = Field(None, description="A day, a month or a year; null where it is not known.")
    affected: tuple[AffectedModel, ...] = Field(min_length=1, max_length=200)
    classifications: tuple[Classification, ...] = ()
    references: tuple[Source, ...] = ()
    aliases: tuple[Annotated[str, StringConstraints(min_length=3, max_length=100)], ...] = Field(
        (), description="Ids of the same event elsewhere, for example AVID-2023-R0001 or AIID-313."
    )
    statements: tuple[Statement, ...] = Field((), description="The right of reply: oldest first.", max_length=100)
    notice: str = Field("", description="Why it was corrected, disputed, withdrawn or merged.", max_length=2000)
    superseded_by: PublicId | None = Field(
        None, description="The record that stands in the place of this one: both were about the same event."
    )
    licence: Literal["CC-BY-4.0"] = "CC-BY-4.0"

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _withdrawal_says_why(self) -> "Record":
        if self.status is not Status.PUBLISHED and not self.notice:
            raise ValueError(f"a {self.status} record says why in its notice")
        return self

    @model_validator(mode="after")
    def _superseded_by_another(self) -> "Record":
        if self.superseded_by and self.status is not Status.WITHDRAWN:
            raise ValueError("a record that another supersedes is withdrawn")
        if self.superseded_by == self.id:
            raise ValueError("a record cannot supersede itself")
        return self

    def document(self) -> dict[str, Any]:
        """The JSON value of the record, ready for canonical bytes.

        What was added to the schema after its first records is left out where it is empty, so that a record without
        it has the same bytes as ever.
        """
        document = self.model_dump(mode="json", by_alias=True)
        for holder in (document, *document["affected"]):
            for field in _LEFT_OUT_WHEN_EMPTY & holder.keys():
                if holder[field] in (None, []):
                    del holder[field]
        return document


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the public document."""
    schema = Record.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        **schema,
    }


def is_public_id(text: str) -> bool:
    """Whether `text` has the form of an incident's public id."""
    return re.match(_PUBLIC_ID, text) is not None
