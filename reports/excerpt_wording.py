"""How released excerpts read in a public description: Markdown, with every foreign line inside a block of code.

Plain data: no database.
"""

from collections.abc import Iterable
from typing import Protocol


class Quoted(Protocol):
    """What is quoted of one attempt."""

    tool: str
    probe: str
    prompt: str
    output: str


def described(description: str, excerpts: Iterable[Quoted]) -> str:
    """The description, followed by the excerpts under a heading of their own."""
    parts = [part for excerpt in excerpts for part in _parts(excerpt)]
    if not parts:
        return description
    return "\n\n".join([description.rstrip(), "### Excerpts from test results", *parts]).lstrip()


def _parts(excerpt: Quoted) -> list[str]:
    said = [("Prompt", excerpt.prompt), ("Answer", excerpt.output)]
    head = f"Tested with {_plain(excerpt.tool)}" + (f", probe {_plain(excerpt.probe)}" if excerpt.probe else "") + "."
    return [head, *(part for name, text in said if text for part in (f"{name}:", _as_code(text)))]


def _plain(name: str) -> str:
    """A name of a tool or a probe, as code; what would end that is left out."""
    return f"`{name.replace('`', '')}`"


def _as_code(text: str) -> str:
    """An indented block (CommonMark 0.31, section 4.4): nothing in it is read as Markdown."""
    return "\n".join(f"    {line}" for line in text.split("\n"))
