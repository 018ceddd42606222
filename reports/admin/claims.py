"""The structured parts of a report in words, for moderators."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from incidents.record import MEANINGS as RECORD_MEANINGS
from incidents.record import Severity
from lib.seal import UnreadableSealError, unseal
from reports.models import Credit, Report
from reports.structure import (
    MEANINGS,
    ActorKind,
    ArtefactDetails,
    Basis,
    BiasDetails,
    Consent,
    Disclosure,
    Harmed,
    Impact,
    MisuseDetails,
    OtherDetails,
    Prevalence,
    ReportType,
    Reproduction,
    Role,
    Told,
    Transcript,
)

Rows = tuple[tuple[str, str], ...]

_MEANT: dict[str, type[StrEnum]] = {
    "type": ReportType,
    "actor": ActorKind,
    "basis": Basis,
    "prevalence": Prevalence,
    "harmed": Harmed,
    "told": Told,
}
# The database keeps no order within a part.
_PARTS = (
    MisuseDetails,
    ArtefactDetails,
    BiasDetails,
    OtherDetails,
    Transcript,
    Reproduction,
    Impact,
    Disclosure,
    Consent,
)
_ORDER = list(dict.fromkeys(name for part in _PARTS for name in part.model_fields))
_LABELS = {
    "type": "Type",
    "sha256": "SHA-256",
    "basis": "How they know",
    "steps": "To see it again",
    "told": "Publisher told",
    "told_on": "Told on",
    "reply": "Publisher's answer",
    "embargo_until": "Nothing public before",
    "harmed": "Who was harmed",
    "harm": "What happened to them",
    "share_contact": "Contact may go to the publisher",
    "licence": "Licence of what is taken over",
}


@dataclass(frozen=True)
class Claims:
    """Titled rows of what the reporter claims, and the turns of the transcript: whose, and what."""

    sections: tuple[tuple[str, Rows], ...]
    turns: Rows


def claims_of(report: Report) -> Claims:
    """What the report claims beyond its text; only what was answered."""
    transcript = {name: value for name, value in report.transcript.items() if name != "turns"}
    consent = {name: value for name, value in report.consent.items() if name != "credit"}
    titled = {
        "Details": _rows(report.details),
        "How the model was run": _rows(transcript),
        "Reproduction": (*_count(report.reproduction), *_rows(report.reproduction)),
        "Impact, in the reporter's view": _rows(report.impact),
        "Disclosure": _rows(report.disclosure),
        "Consent": (*_rows(consent), *_credit(report)),
    }
    turns = tuple((MEANINGS[Role][turn["role"]], turn["text"]) for turn in report.transcript.get("turns", ()))
    return Claims(tuple((title, rows) for title, rows in titled.items() if rows), turns)


def _rows(part: dict[str, Any]) -> Rows:
    return tuple(
        (_LABELS.get(name, name.replace("_", " ").capitalize()), _words(name, value))
        for name, value in sorted(part.items(), key=lambda item: _ORDER.index(item[0]))
        if name not in {"succeeded", "attempts"}
    )


def _words(name: str, value: Any) -> str:
    if name == "severity":
        return f"{value.capitalize()}: {RECORD_MEANINGS[Severity][value]}"
    if name in _MEANT:
        meant = MEANINGS[_MEANT[name]]
        return "\n".join(meant[each] for each in (value if isinstance(value, list) else [value]))
    return "Yes" if value is True else str(value)


def _count(reproduction: dict[str, Any]) -> Rows:
    if "attempts" not in reproduction:
        return ()
    return (("How often", f"{reproduction['succeeded']} of {reproduction['attempts']} tries"),)


def _credit(report: Report) -> Rows:
    credit = Credit.objects.filter(report=report).first()
    if credit is None:
        return ()
    try:
        return (("Thank by the name", unseal(bytes(credit.sealed))),)
    except UnreadableSealError:
        return (("Thank by the name", "Sealed with a key this node no longer has."),)
