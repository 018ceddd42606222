"""Choices and small checks that the console's forms share."""

from enum import StrEnum
from typing import Any

from django import forms
from pydantic import TypeAdapter, ValidationError

from incidents.record import MEANINGS, ReducedDate
from incidents.taxonomy import OWN, taxonomies

_reduced_date = TypeAdapter[str](ReducedDate)


def with_meanings(vocabulary: type[StrEnum]) -> list[tuple[str, str]]:
    """A vocabulary's codes, each with its written meaning."""
    return [(code, f"{code.replace('_', ' ').capitalize()}: {text}") for code, text in MEANINGS[vocabulary].items()]


def categories() -> list[tuple[str, Any]]:
    """Our own categories, grouped by their top term."""
    grouped: list[tuple[str, Any]] = [("", "Choose one")]
    for term, children in taxonomies()[OWN].tree():
        below = [(child.code, child.title) for child in children]
        whole = [(term.code, f"{term.title}: general" if below else term.title)]
        grouped.append((term.title, whole + below))
    return grouped


def category_title(code: str) -> str:
    """A category's title; its code where we do not know it."""
    term = taxonomies()[OWN].term(code)
    return term.title if term else code


def foreign_terms() -> list[tuple[str, Any]]:
    """The terms of every taxonomy but our own, grouped; a value is `taxonomy term`."""
    grouped: list[tuple[str, Any]] = [("", "Choose a term")]
    for taxonomy in taxonomies().values():
        if taxonomy.id != OWN:
            terms = [(f"{taxonomy.id} {term.code}", f"{term.code} {term.title}") for term in taxonomy.terms]
            grouped.append((taxonomy.title, terms))
    return grouped


def term_title(taxonomy: str, code: str) -> str:
    """A term for people: its taxonomy, its code and its title."""
    found = taxonomies().get(taxonomy)
    term = found.term(code) if found else None
    return f"{found.title}: {code} {term.title}" if found and term else f"{taxonomy} {code}"


def clean_date(text: str) -> str:
    """A day, a month, a year, or nothing. Raises forms.ValidationError."""
    if not text:
        return ""
    try:
        return _reduced_date.validate_python(text)
    except ValidationError:
        raise forms.ValidationError("Write a day, a month or a year: 2026-03-14, 2026-03 or 2026.") from None
