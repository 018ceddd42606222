"""What somebody reports, validated once for every door (form, API, importer). Plain data, no database."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from incidents.record import Kind, ReducedDate, TermCode, WebUrl
from incidents.taxonomy import category_codes

MOST_MODELS = 20
MOST_LINKS = 50

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
    category: TermCode = Field(description="A term of the taxonomy `faultline`, for example backdoor.")
    kind: Kind = Field(Kind.INCIDENT, description="Whether harm happened (incident) or could (hazard).")
    occurred: ReducedDate | None = Field(None, description="A day, a month or a year.")
    links: tuple[WebUrl, ...] = Field((), description="Where the evidence can be seen.", max_length=MOST_LINKS)
    contact: str = Field("", description="How moderators can reach you. Never published.", max_length=300)

    @field_validator("title", "text", "contact", "models", mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        # PostgreSQL text cannot hold NUL, and nothing a person means is lost with it.
        if isinstance(value, str):
            return value.replace("\x00", "")
        return [cls._without_nul(each) for each in value] if isinstance(value, list | tuple) else value

    @field_validator("category")
    @classmethod
    def _known_category(cls, code: str) -> str:
        if code not in category_codes():
            raise ValueError(f"no such category: {code}")
        return code
