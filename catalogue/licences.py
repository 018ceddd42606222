"""Licences as hubs and people name them: the SPDX id, OSI's answer, and what the licence restricts. Plain data.

Nothing here is legal advice: `licences.json` says where each column comes from, and None means not established.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("licences.json")
_NOISE = frozenset({"agreement", "licence", "license", "the"})
_OTHER = "other:"


class Restriction(StrEnum):
    """What a licence withholds that an open one grants."""

    USE = "use"  # for some purposes, or to some users
    COMMERCIAL = "commercial use"
    DERIVATIVES = "derivatives"
    REDISTRIBUTION = "redistribution"


@dataclass(frozen=True)
class Licence:
    """One licence, or a family that a hub gives one id. `id` is the Hugging Face Hub's where it has one.

    `approximate` is true where the id does not say which of several licences it is, or of `-only` and `-or-later`.
    """

    id: str
    name: str
    spdx: str | None
    osi_approved: bool | None
    family: str
    restricts: frozenset[Restriction] | None
    approximate: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """One licence as a publisher names it; `licence` is None for words the table does not have."""

    text: str
    licence: Licence | None


@cache
def licences() -> dict[str, Licence]:
    """Every licence we know, by id."""
    table = json.loads(_TABLE.read_text("utf-8"))
    return {key: _licence(key, row) for part in ("hub", "elsewhere") for key, row in table[part].items()}


def _licence(key: str, row: dict[str, Any]) -> Licence:
    restricts = row["restricts"]
    return Licence(
        id=key,
        name=row["name"],
        spdx=row["spdx"],
        osi_approved=row["osi"],
        family=row["family"],
        restricts=None if restricts is None else frozenset(map(Restriction, restricts)),
        approximate=row.get("approximate", False),
        also=tuple(row.get("also", ())),
    )


def find_licence(text: str) -> Licence | None:
    """The licence that `text` is an id, an SPDX id or a name of; letter case and punctuation do not matter."""
    return _by_name().get(_normal(text))


@cache
def _by_name() -> dict[str, Licence]:
    return {_normal(name): licence for licence in licences().values() for name in _names(licence)}


def _names(licence: Licence) -> Iterator[str]:
    yield from (licence.id, licence.name, *licence.also)
    if licence.spdx:
        yield licence.spdx


def _normal(text: str) -> str:
    # A plus sign tells OpenRAIL++ from OpenRAIL.
    words = re.sub(r"[^\w+]|_", " ", text.casefold()).split()
    return " ".join(word for word in words if word not in _NOISE)


def read_claims(text: str) -> tuple[Claim, ...]:
    """The licences in `Facts.licence`: ids joined by commas, or `other: a name`; () where none is claimed."""
    if text.startswith(_OTHER):
        name = text.removeprefix(_OTHER).strip()
        return (Claim(name, _restrictive(find_licence(name))),)
    return tuple(Claim(part, find_licence(part)) for part in map(str.strip, text.split(",")) if part)


def _restrictive(licence: Licence | None) -> Licence | None:
    # Who has an OSI-approved licence says so; its name under `other` may stand for a modified text.
    return licence if licence and licence.osi_approved is False else None


def osi_approved(claims: Sequence[Claim]) -> bool | None:
    """Whether OSI approved every licence claimed; None where that is mixed, unknown, or nothing is claimed."""
    answers = {claim.licence.osi_approved if claim.licence else None for claim in claims}
    return answers.pop() if len(answers) == 1 else None


def restrictions(claims: Sequence[Claim]) -> frozenset[Restriction] | None:
    """What the licences claimed restrict together; None where one is unknown or nothing is claimed."""
    each = [claim.licence.restricts if claim.licence else None for claim in claims]
    known = [restricts for restricts in each if restricts is not None]
    return frozenset().union(*known) if each and len(known) == len(each) else None


def is_stricter(base: Sequence[Claim], claimed: Sequence[Claim]) -> bool | None:
    """Whether a base's licence restricts something that the licence claimed for a derivative does not.

    None where that is not certain: terms unknown, nothing claimed, or two licences with use restrictions of their own.
    Copyleft and attribution do not count: whether weights trained further are an adaptation is not settled.
    """
    above, here = restrictions(base), restrictions(claimed)
    if above is None or here is None:
        return None
    if above - here:
        return True
    differs = {claim.licence for claim in base} != {claim.licence for claim in claimed}
    return None if Restriction.USE in above and differs else False
