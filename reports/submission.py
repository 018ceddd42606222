"""What somebody reports, validated once for every door (form, API, importer). Plain data, no database."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from incidents.record import Kind, PublicId, ReducedDate, TermCode, WebUrl
from incidents.taxonomy import category_codes
from lib.refusal import RefusalError
from reports.structure import Consent, Details, Disclosure, Impact, Reproduction, Transcript

MOST_MODELS = 20
MOST_LINKS = 50
# As deep as a submission goes; what is nested deeper is refused anyway.
_DEEPEST = 5

LanguageTag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
ModelText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Submission(BaseModel):
    """One report as it arrives. Raises pydantic.ValidationError; its text is kept as sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[ModelText, ...] = Field(
        description="The models it is about: each a hub URL, org/name, or package URL, or a name if it is on no hub.",
        min_length=1,
        max_length=MOST_MODELS,
    )
    title: str = Field("", description="One line, if you like.", max_length=200)
    text: str = Field(description="What happened, in your words.", min_length=30, max_length=50_000)
    category: TermCode = Field(
        description="A term of the taxonomy `faultline`, for example backdoor.",
        json_schema_extra={"enum": [*sorted(category_codes())]},
    )
    kind: Kind = Field(Kind.INCIDENT, description="Whether harm happened (incident) or could (hazard).")
    occurred: ReducedDate | None = Field(None, description="A day, a month or a year.")
    links: tuple[WebUrl, ...] = Field((), description="Where the evidence can be seen.", max_length=MOST_LINKS)
    contact: str = Field("", description="How moderators can reach you. Never published.", max_length=300)
    details: Details | None = Field(None, description="What is asked of a misuse, an artefact, a bias or another flaw.")
    transcript: Transcript | None = Field(None, description="A conversation with the model, and how it was run.")
    reproduction: Reproduction | None = Field(None, description="How you know, and n times of m.")
    impact: Impact | None = Field(None, description="Severity, prevalence, and who was harmed.")
    disclosure: Disclosure | None = Field(None, description="What the publisher knows, and an embargo you wish for.")
    consent: Consent | None = Field(None, description="Sharing your contact, credit by name, licence.")
    about_incident: PublicId | None = Field(None, description="The published incident this is further evidence for.")
    language: LanguageTag = Field("en", description="The language to answer you in, for example es (BCP 47).")

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        # PostgreSQL text and JSON cannot hold NUL, and nothing a person means is lost with it.
        return _without_nul(value, _DEEPEST)

    @field_validator("category")
    @classmethod
    def _known_category(cls, code: str) -> str:
        if code not in category_codes():
            raise RefusalError("no such category: %(code)s", code=code)
        return code

    @model_validator(mode="after")
    def _only_a_contact_is_shared(self) -> Self:
        if self.consent and self.consent.share_contact and not self.contact.strip():
            raise RefusalError("to share your contact with the publisher, leave one")
        return self

    def parts(self) -> dict[str, dict[str, Any]]:
        """The structured parts as JSON values, {} for each that was left out; without the name to credit."""
        return {
            name: part.model_dump(mode="json", exclude_defaults=True, exclude={"credit_name"}) if part else {}
            for name, part in ((name, getattr(self, name)) for name in PARTS)
        }

    def content(self) -> dict[str, Any]:
        """What makes two reports equal, as a JSON value: all but who reports, in which language, and nothing of
        what was left out."""
        core = self.model_dump(mode="json", exclude={"contact", "about_incident", "language", *PARTS})
        added = {"about_incident": self.about_incident, **self.parts()}
        return core | {name: value for name, value in added.items() if value}


PARTS = ("details", "transcript", "reproduction", "impact", "disclosure", "consent")
_SOUND = {"models": ("org/name",), "text": "x" * 30, "category": "misuse"}


def problems_in(answers: Mapping[str, Any]) -> list[tuple[tuple[str, ...], RefusalError]]:
    """What is wrong with some of a submission's fields, the others aside: where, and why in a sentence."""
    try:
        Submission.model_validate(_SOUND | dict(answers))
    except ValidationError as error:
        return [(tuple(map(str, problem["loc"])), _for_a_form(problem)) for problem in error.errors()]
    return []


def _for_a_form(problem: ErrorDetails) -> RefusalError:
    bounds = problem.get("ctx", {})
    match problem["type"]:
        case "value_error" if isinstance(bounds["error"], RefusalError):
            return bounds["error"]
        case "string_too_short":
            return RefusalError("Write at least %(count)s characters.", count=bounds["min_length"])
        case "string_too_long":
            return RefusalError("Write at most %(count)s characters.", count=bounds["max_length"])
        case "less_than_equal":
            return RefusalError("Write a number of at most %(most)s.", most=bounds["le"])
    said = problem["msg"].removeprefix("Value error, ")
    return RefusalError(said)


def _without_nul(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if depth and isinstance(value, dict):
        return {key: _without_nul(each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_without_nul(each, depth - 1) for each in value]
    return value
