"""Names of open models in other databases' prose: a small list, each with its reason. Plain data.

For databases that name events and organisations, not models. A name is a name, not a repository: which one it is, a
moderator says once. Addresses and package URLs of models are certain, and are taken as they stand.
"""

import re
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("open_names.json")
_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/"
    r"(?!(?:api|blog|collections|datasets|docs|learn|models|organizations|papers|spaces|tasks)/)"
    r"[\w.-]+/[\w.-]*\w",
    re.ASCII | re.IGNORECASE,
)


class OpenName(BaseModel):
    """A row: the name, its spellings, and why it is an open model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[^/]+$", description="With no slash, lest it be read as a repository.")
    spellings: tuple[str, ...] = Field(min_length=1)
    why: str = Field(min_length=20)


class OpenNames(BaseModel):
    """`open_names.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    open: tuple[OpenName, ...]


@cache
def open_names() -> OpenNames:
    """The list. Raises pydantic.ValidationError for a malformed file."""
    return OpenNames.model_validate_json(FILE.read_bytes())


def named_in(text: str) -> tuple[str, ...]:
    """The open models that a text names, each once: addresses first, then names in the order of the list."""
    addresses = [match[0] for match in _ADDRESS.finditer(text)]
    names = [name for name, pattern in _patterns() if pattern.search(text)]
    return tuple(dict.fromkeys([*addresses, *names]))


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A spelling counts as whole words; spaces and hyphens in it are alike."""

    def pattern(row: OpenName) -> re.Pattern[str]:
        spellings = "|".join(re.sub(r"(\\-|\\ | )", r"[\\s-]?", re.escape(one)) for one in row.spellings)
        return re.compile(rf"(?<![\w.-])(?:{spellings})(?![\w]|[.-]\d)", re.IGNORECASE)

    return tuple((row.name, pattern(row)) for row in open_names().open)
