"""What stands beside a report or a case: its models then and now, likely duplicates, and how reports came in."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User
from catalogue import lineage
from catalogue.models import Lineage, Model
from catalogue.naming import names_of
from catalogue.profiles import profile_of
from incidents import search
from reports import duplicates
from reports.admin.facts import Since, since
from reports.duplicates import Duplicate
from reports.models import Case, Report
from reports.redacting import readable
from reports.redaction import masked
from reports.similarity import marked
from reports.waves import Wave, wave_of

MOST_MODELS = 5
MOST_RELATIVES = 10
# Of each text side by side.
MOST_CHARACTERS = 6000
# In the units of the drawing: from day to day, and the busiest day.
STEP, HEIGHT = 10, 56


# --- Models ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Relative:
    """A base or a derivative: its name, what is claimed of the relation, and how many public records name it."""

    name: str
    relation: str
    records: int


@dataclass(frozen=True)
class Bar:
    """One day of a wave as a bar: its left edge, and top and height of all of it and of the alike part."""

    x: int
    y: float
    height: float
    alike_y: float
    alike_height: float
    words: str


@dataclass(frozen=True)
class Beside:
    """One model: the hub's word then and now, openness by question, its family, and how reports on it came in."""

    model: Model
    since: Since
    openness: list[tuple[str, dict[str, Any]]]
    bases: list[Relative]
    derivatives: list[Relative]
    more_derivatives: bool
    wave: Wave
    bars: list[Bar]


def models_beside(models: Iterable[Model], reported: datetime | None, by: User) -> list[Beside]:
    """Of the first models, each once."""
    distinct = {model.pk: model for model in models}
    return [_beside(model, reported, by) for model in list(distinct.values())[:MOST_MODELS]]


def _beside(model: Model, reported: datetime | None, by: User) -> Beside:
    profile = profile_of(model)
    answers: dict[str, dict[str, Any]] = profile.as_dict()["dimensions"] if profile else {}
    ways = lineage.ancestors(model)
    above = Model.objects.in_bulk(list(ways)[:MOST_RELATIVES])
    below = Lineage.objects.filter(base__model=model, ended_at=None).select_related("child").order_by("-since", "pk")
    derivatives = list(below[: MOST_RELATIVES + 1])
    wave = wave_of(model, timezone.now(), by)
    return Beside(
        model,
        since=since(model, reported),
        openness=list(answers.items()),
        bases=[_relative(above[pk], ways[pk].relations[-1]) for pk in ways if pk in above],
        derivatives=[_relative(line.child, line.relation) for line in derivatives[:MOST_RELATIVES]],
        more_derivatives=len(derivatives) > MOST_RELATIVES,
        wave=wave,
        bars=bars(wave),
    )


def _relative(model: Model, relation: str) -> Relative:
    return Relative(model.name, relation, search.of_model(model.hub, names_of(model), model.stable_id or "").count())


def bars(wave: Wave) -> list[Bar]:
    """The wave's days as bars of at most HEIGHT units; the alike part stands at the bottom."""
    unit = HEIGHT / max(wave.busiest.reports, 1)
    return [
        Bar(
            x=place * STEP,
            y=round(HEIGHT - day.reports * unit, 2),
            height=round(day.reports * unit, 2),
            alike_y=round(HEIGHT - day.alike * unit, 2),
            alike_height=round(day.alike * unit, 2),
            words=f"{day.on:%Y-%m-%d}: {day.reports}" + (f", {day.alike} worded alike" if day.alike else ""),
        )
        for place, day in enumerate(wave.days)
    ]


# --- Likely duplicates -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SideBySide:
    """A likely duplicate, and both texts in pieces, each with whether the other has it too."""

    likely: Duplicate
    title: str
    mine: list[tuple[str, bool]]
    theirs: list[tuple[str, bool]]


def duplicates_of_report(report: Report, by: User) -> list[SideBySide]:
    """For one report."""
    return _side_by_side(duplicates.of_report(report, by), _text(report))


def duplicates_of_case(case: Case, reports: Sequence[Report], by: User) -> list[SideBySide]:
    """For a case; compared with its wording, and with its first report until it has some."""
    wording = f"{case.summary}\n{case.description}".strip()
    return _side_by_side(duplicates.of_case(case, by), wording or (_text(reports[0]) if reports else ""))


def _side_by_side(likely: Iterable[Duplicate], mine: str) -> list[SideBySide]:
    shown = []
    for one in likely:
        title, theirs = _their_words(one)
        mine, theirs = mine[:MOST_CHARACTERS], theirs[:MOST_CHARACTERS]
        shown.append(SideBySide(one, title, marked(mine, theirs), marked(theirs, mine)))
    return shown


def _their_words(likely: Duplicate) -> tuple[str, str]:
    if likely.report:
        title, text = readable(likely.report)
        return title, text
    if likely.incident:
        record: dict[str, Any] = json.loads(bytes(likely.incident.document))
        return record["title"], f"{record['summary']}\n\n{record['description']}"
    return (masked(likely.case.title), masked(likely.case.summary)) if likely.case else ("", "")


def _text(report: Report) -> str:
    return readable(report)[1]
