"""PyRIT's conversations as JSON (`memory.export_conversations`).

Shape: a list of pieces of messages, each with a role, a conversation, the value before and after converters, the target
and its scores. A `true_false` score of true is a hit; a `float_scale` score has no threshold of its own and is given as
its mean. Source: pyrit/memory/memory_exporter.py, pyrit/models/message_piece.py and score.py of
https://github.com/Azure/PyRIT.
"""

from collections.abc import Iterator
from typing import Any

from reports.redteam_results import (
    MOST_ATTEMPTS,
    MOST_CHARACTERS,
    MOST_METRICS,
    Attempt,
    Metric,
    Parsed,
    Results,
    a_date,
    a_list,
    a_number,
    a_text,
    an_object,
    distinct,
)

_ASKED = {"conversation_id", "role", "converted_value", "original_value"}


class Pyrit:
    """PyRIT, of Microsoft."""

    slug = "pyrit"
    title = "PyRIT"

    def read(self, parsed: Parsed) -> Results | None:
        """What exported conversations say."""
        pieces = [piece for piece in map(an_object, a_list(parsed.document)) if piece.keys() >= _ASKED]
        if not pieces:
            return None
        return Results(
            tool="PyRIT",
            date=min((day for piece in pieces if (day := a_date(piece.get("timestamp")))), default=""),
            models=distinct(_target(piece) for piece in pieces),
            metrics=_metrics(pieces),
            attempts=tuple(_got_through(pieces))[:MOST_ATTEMPTS],
        )


def _target(piece: dict[str, Any]) -> str:
    target = an_object(piece.get("prompt_target_identifier"))
    known = target | an_object(target.get("params"))
    return next((name for key in ("underlying_model_name", "model_name") if (name := a_text(known.get(key)))), "")


def _scores(piece: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Each score's objective or categories, its scorer, its type and its value."""
    for score in map(an_object, a_list(piece.get("scores"))):
        categories = score.get("score_category")
        named = categories if isinstance(categories, list) else [categories]
        scorer = an_object(score.get("scorer_class_identifier"))
        yield (
            ", ".join(text for one in named if (text := a_text(one, 80))) or "conversation",
            a_text(scorer.get("__type__") or scorer.get("class_name")),
            a_text(score.get("score_type")),
            a_text(score.get("score_value")).lower(),
        )


def _metrics(pieces: list[dict[str, Any]]) -> tuple[Metric, ...]:
    values: dict[tuple[str, str, str], list[str]] = {}
    for piece in pieces:
        for category, scorer, kind, value in _scores(piece):
            values.setdefault((category, scorer, kind), []).append(value)
    return tuple(_metric(*of, said) for of, said in values.items())[:MOST_METRICS]


def _metric(category: str, scorer: str, kind: str, said: list[str]) -> Metric:
    if kind == "true_false":
        return Metric(category, scorer, hits=said.count("true"), total=len(said))
    numbers = [number for value in said if (number := _number(value)) is not None]
    mean = sum(numbers) / len(numbers) if numbers else None
    return Metric(category, scorer, total=len(said), score=mean)


def _number(value: str) -> float | None:
    try:
        return a_number(float(value))
    except ValueError:
        return None


def _got_through(pieces: list[dict[str, Any]]) -> Iterator[Attempt]:
    asked: dict[str, str] = {}
    for piece in pieces:
        conversation = a_text(piece.get("conversation_id"))
        text = a_text(piece.get("converted_value"), MOST_CHARACTERS)
        if piece.get("role") == "user":
            asked[conversation] = text
            continue
        hits = [
            category for category, _scorer, kind, value in _scores(piece) if (kind, value) == ("true_false", "true")
        ]
        if hits:
            yield Attempt(hits[0], asked.get(conversation, ""), text)


ADAPTER = Pyrit()
