"""Choices and small checks that the console's forms share."""

from enum import StrEnum
from typing import Any

from django import forms
from pydantic import TypeAdapter, ValidationError

from incidents.record import MEANINGS, ReducedDate
from incidents.taxonomy import OWN, Term, search, taxonomies

MOST_NEAR = 6
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


def terms() -> list[tuple[str, str]]:
    """Every term of the taxonomies beside our own: `taxonomy code`, and what it is called there."""
    others = (taxonomy for taxonomy in taxonomies().values() if taxonomy.id != OWN)
    return [(f"{one.id} {term.code}", f"{term.title} ({one.title})") for one in others for term in one.terms]


def read_term(text: str) -> str:
    """`taxonomy code` for that, a code or a title as typed. Raises forms.ValidationError, naming what is near."""
    found = [(taxonomy, term) for taxonomy, term in search(text) if taxonomy != OWN]
    wanted = " ".join(text.split()).casefold()
    exact = [(taxonomy, term) for taxonomy, term in found if wanted in _ways_to_write(taxonomy, term)]
    if len(exact) == 1:
        return f"{exact[0][0]} {exact[0][1].code}"
    near = ", ".join(f"{taxonomy} {term.code} ({term.title})" for taxonomy, term in (exact or found)[:MOST_NEAR])
    raise forms.ValidationError(f"There is no one term {text!r}." + (f" Near it: {near}." if near else ""))


def _ways_to_write(taxonomy: str, term: Term) -> set[str]:
    return {f"{taxonomy} {term.code}".casefold(), term.code.casefold(), term.title.casefold()}


def suggested_terms(category: str) -> list[tuple[str, str]]:
    """What the crosswalk of our own taxonomy names for a category: `taxonomy code`, and the term for people."""
    term = taxonomies()[OWN].term(category)
    crosswalk = term.crosswalk if term else {}
    pairs = [(taxonomy, code) for taxonomy, codes in sorted(crosswalk.items()) for code in codes]
    return [(f"{taxonomy} {code}", term_title(taxonomy, code)) for taxonomy, code in pairs]


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
