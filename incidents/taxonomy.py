"""Taxonomies as data: one JSON file each in `incidents/taxonomies/`. Plain data, no database."""

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent / "taxonomies"
OWN = "faultline"


class Term(BaseModel):
    """One term. `parent` is another term's code of the same taxonomy, or "" at the top."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    title: str
    parent: str = ""
    definition: str = ""
    example: str = ""
    crosswalk: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Codes of the nearest terms elsewhere, by taxonomy id."
    )


class Taxonomy(BaseModel):
    """A published list of terms; `complete` is false where only the terms we refer to are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    version: str
    url: str
    licence: str
    complete: bool
    terms: tuple[Term, ...]

    def term(self, code: str) -> Term | None:
        """The term with that code, or None."""
        return self._by_code().get(code)

    def _by_code(self) -> dict[str, Term]:
        return _index(self.id)

    def tree(self) -> list[tuple[Term, list[Term]]]:
        """Top terms in order, each with its children in order."""
        return [(top, [t for t in self.terms if t.parent == top.code]) for top in self.terms if not top.parent]


@cache
def taxonomies() -> dict[str, Taxonomy]:
    """Every taxonomy, by id. Raises pydantic.ValidationError for a malformed file."""
    loaded = [Taxonomy.model_validate(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))]
    return {taxonomy.id: taxonomy for taxonomy in loaded}


def search(text: str) -> list[tuple[str, Term]]:
    """(taxonomy id, term) for every term whose code, title, example or definition has every word of `text`."""
    words = text.casefold().split()
    return [
        (taxonomy.id, term)
        for taxonomy in taxonomies().values()
        for term in taxonomy.terms
        if words and all(word in _searched(taxonomy, term) for word in words)
    ]


def _searched(taxonomy: Taxonomy, term: Term) -> str:
    return f"{taxonomy.id} {term.code} {term.title} {term.definition} {term.example}".casefold()


@cache
def _index(taxonomy: str) -> dict[str, Term]:
    return {term.code: term for term in taxonomies()[taxonomy].terms}


@cache
def category_codes() -> frozenset[str]:
    """Codes of our own taxonomy: what a report's category may be."""
    return frozenset(_index(OWN))


def with_descendants(code: str) -> frozenset[str]:
    """A category's code and its children's."""
    return frozenset({code} | {term.code for term in taxonomies()[OWN].terms if term.parent == code})
