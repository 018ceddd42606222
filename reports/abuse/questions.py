"""A small question for people whose browser runs no scripts. Not to answer it is no reason to refuse a report."""

import secrets

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The question, and what counts as its answer in any of the languages.
QUESTIONS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (_("Which month comes after March?"), ("april", "abril")),
    (_("How many legs does a cat have?"), ("4", "four", "cuatro")),
    (_("What colour is fresh snow?"), ("white", "blanco", "blanca", "el blanco")),
    (_("Which day comes before Tuesday?"), ("monday", "lunes", "el lunes")),
    (_("What is two plus three?"), ("5", "five", "cinco")),
    (
        _("Which is larger, a mouse or a horse?"),
        ("horse", "a horse", "the horse", "caballo", "un caballo", "el caballo"),
    ),
)


def pick() -> int:
    """The number of a question."""
    return secrets.randbelow(len(QUESTIONS))


def is_right(number: int, answer: str) -> bool:
    """Whether `answer` answers that question."""
    return answer.strip().strip(".").casefold() in QUESTIONS[number][1]
