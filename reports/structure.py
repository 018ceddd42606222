"""The structured parts of a submission: what a reporter can say beyond the text. Plain data, no database.

Every part is optional, and so is nearly every field of it: "" and None mean that nothing was said. Questions and
scales follow the AI Flaw Report card (Longpre et al., 2025) and, for disclosure and the two separate consents, the
report form of CERT/CC's VINCE.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from incidents.record import ReducedDate, Severity, Sha256
from lib.refusal import RefusalError

MOST_TURNS = 50
LONGEST_EMBARGO = timedelta(days=90)

_Line = Annotated[str, StringConstraints(max_length=300)]
_Paragraph = Annotated[str, StringConstraints(max_length=2000)]
_Text = Annotated[str, StringConstraints(max_length=20_000)]


class ReportType(StrEnum):
    """What sort of problem it is, by whether somebody acted on purpose: it chooses the details that are asked for."""

    MISUSE = "misuse"
    ARTEFACT = "artefact"
    BIAS = "bias"
    OTHER = "other"


class ActorKind(StrEnum):
    """Who misused the model, as far as the reporter knows."""

    UNKNOWN = "unknown"
    INDIVIDUAL = "individual"
    GROUP = "group"
    COMPANY = "company"
    STATE = "state"


class Role(StrEnum):
    """Whose words a turn of a transcript is."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Basis(StrEnum):
    """How the reporter knows."""

    REPRODUCED = "reproduced"
    SEEN = "seen"
    HEARD = "heard"


class Prevalence(StrEnum):
    """How often it happens, as far as the reporter knows."""

    UNKNOWN = "unknown"
    ONCE = "once"
    FEW = "few"
    MANY = "many"
    WIDESPREAD = "widespread"


class Harmed(StrEnum):
    """Who was harmed, or would be."""

    USERS = "users"
    OTHERS = "others"
    GROUP = "group"
    CHILDREN = "children"
    ORGANISATION = "organisation"
    SOCIETY = "society"


class Told(StrEnum):
    """Whether the model's publisher has been told."""

    YES = "yes"
    NO = "no"
    NO_WAY = "no_way"


MEANINGS: dict[type[StrEnum], dict[str, str]] = {
    ReportType: {
        ReportType.MISUSE: "Somebody used the model against others.",
        ReportType.ARTEFACT: "Somebody hid something in the model or in its files.",
        ReportType.BIAS: "By itself the model treats groups of people worse than others.",
        ReportType.OTHER: "Something else, or it is not known.",
    },
    ActorKind: {
        ActorKind.UNKNOWN: "Not known",
        ActorKind.INDIVIDUAL: "One person",
        ActorKind.GROUP: "An organised group",
        ActorKind.COMPANY: "A company",
        ActorKind.STATE: "A state, or somebody acting for one",
    },
    Role: {
        Role.SYSTEM: "System prompt",
        Role.USER: "User",
        Role.ASSISTANT: "Model",
        Role.TOOL: "Tool",
    },
    Basis: {
        Basis.REPRODUCED: "I made it happen again",
        Basis.SEEN: "I saw it myself",
        Basis.HEARD: "I read or heard of it",
    },
    Prevalence: {
        Prevalence.UNKNOWN: "Not known.",
        Prevalence.ONCE: "Seen once.",
        Prevalence.FEW: "A few cases.",
        Prevalence.MANY: "Many cases, or every time under the same conditions.",
        Prevalence.WIDESPREAD: "Many people or many places are affected.",
    },
    Harmed: {
        Harmed.USERS: "People who used the model",
        Harmed.OTHERS: "People who did not use it",
        Harmed.GROUP: "A group of people, by who they are",
        Harmed.CHILDREN: "Children",
        Harmed.ORGANISATION: "An organisation or its systems",
        Harmed.SOCIETY: "The public at large, or the environment",
    },
    Told: {
        Told.YES: "Yes",
        Told.NO: "No",
        Told.NO_WAY: "No: I found no way to reach them",
    },
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MisuseDetails(_Part):
    """What is known of a misuse."""

    type: Literal[ReportType.MISUSE]
    actor: ActorKind = Field(ActorKind.UNKNOWN, description="Who did it.")
    channel: _Line = Field("", description="Where: a site, an app, messages, a forum.")
    method: _Paragraph = Field("", description="How the model was used.")


class ArtefactDetails(_Part):
    """What is known of a backdoor or a malicious file."""

    type: Literal[ReportType.ARTEFACT]
    trigger: _Paragraph = Field("", description="What sets it off: a phrase, a pattern, loading the file.")
    file: Annotated[str, StringConstraints(max_length=1000)] = Field("", description="The file, by its path.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of the file, in hex.")
    loader: _Line = Field("", description="The software that loaded it, with its version.")
    scanner: _Text = Field("", description="What a scanner said of the file.")


class BiasDetails(_Part):
    """What is known of a bias."""

    type: Literal[ReportType.BIAS]
    groups: _Line = Field("", description="Who is treated worse, and compared with whom.")
    task: _Line = Field("", description="What the model was asked to do.")
    measure: _Paragraph = Field("", description="The metric and its values, or examples side by side.")
    sample_size: StrictInt | None = Field(None, description="How many cases were compared.", ge=1, le=1_000_000_000)


class OtherDetails(_Part):
    """What is known of any other problem."""

    type: Literal[ReportType.OTHER]
    expected: _Paragraph = Field("", description="What the model should have done instead.")


Details = Annotated[
    MisuseDetails | ArtefactDetails | BiasDetails | OtherDetails,
    Field(discriminator="type"),
]


class Turn(_Part):
    """One message."""

    role: Role
    text: _Text = Field(min_length=1)


class Transcript(_Part):
    """A conversation with the model, and how the model was run."""

    turns: tuple[Turn, ...] = Field((), max_length=MOST_TURNS)
    software: _Line = Field("", description="What ran the model, with its version.")
    settings: _Paragraph = Field("", description="Sampling and other settings, as text.")
    temperature: StrictFloat | None = Field(None, ge=0, le=100, allow_inf_nan=False)
    seed: StrictInt | None = Field(None, ge=1 - 2**53, le=2**53 - 1)


class Reproduction(_Part):
    """How the reporter knows, and how often it happened: `succeeded` times of `attempts`."""

    basis: Basis | None = None
    succeeded: StrictInt | None = Field(None, ge=0, le=1_000_000_000)
    attempts: StrictInt | None = Field(None, ge=1, le=1_000_000_000)
    steps: _Text = Field("", description="How somebody else can see it too.")

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        if (self.succeeded is None) != (self.attempts is None):
            raise RefusalError("say both how often it happened and how often you tried, or neither")
        if self.succeeded is not None and self.attempts is not None and self.succeeded > self.attempts:
            raise RefusalError("it cannot have happened more often than you tried")
        return self


class Impact(_Part):
    """What it did, in the reporter's view. Severity is on the scale of the public record."""

    severity: Severity = Severity.UNKNOWN
    prevalence: Prevalence = Prevalence.UNKNOWN
    harmed: tuple[Harmed, ...] = Field((), max_length=len(Harmed))
    harm: _Paragraph = Field("", description="What happened to them.")


def _near_enough(day: date) -> date:
    today = datetime.now(UTC).date()
    if not today < day <= today + LONGEST_EMBARGO:
        raise RefusalError("an embargo ends between tomorrow and %(day)s", day=today + LONGEST_EMBARGO)
    return day


class Disclosure(_Part):
    """What the publisher knows, and how long the reporter wishes that nothing becomes public."""

    told: Told | None = None
    told_on: ReducedDate | None = Field(None, description="A day, a month or a year.")
    reply: _Paragraph = Field("", description="What the publisher answered.")
    embargo_until: Annotated[date, AfterValidator(_near_enough)] | None = Field(
        None, description="Wish that nothing becomes public before this day; at most 90 days ahead."
    )


class Consent(_Part):
    """What the reporter agrees to. Each by itself; nothing is agreed to unless it is said."""

    share_contact: StrictBool = Field(False, description="Moderators may give the contact to the model's publisher.")
    credit: StrictBool = Field(False, description="The public record may thank the reporter by name.")
    credit_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "", description="That name. Kept sealed."
    )
    licence: Literal["", "CC-BY-4.0"] = Field(
        "", description="What the public record takes over of title and text is under this licence."
    )

    @model_validator(mode="after")
    def _name_and_consent_agree(self) -> Self:
        if self.credit != bool(self.credit_name):
            raise RefusalError("to be credited, agree to it and give the name; else leave both out")
        return self
