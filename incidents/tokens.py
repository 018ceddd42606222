"""What records are filtered by, as tokens: one 64-bit number for each value of each dimension. Plain data.

A token is the dimension's number in the upper bits, and below it the first 56 bits of SHA-256 (FIPS 180-4) over the
value's lower-case UTF-8. Nobody has to look one up, and one index over arrays of them answers every filter. Among a
million values two share a token with a probability of one in a hundred thousand.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any

from catalogue.licences import Claim, find_licence, read_claims
from catalogue.openness import weight_format
from incidents.dates import first_day, last_day
from incidents.record import AffectedStatus
from incidents.taxonomy import OWN, taxonomies

_VALUE_BITS = 56
# Of a record whose day nobody knows: before every day that is known.
UNKNOWN_DAY = date.min


class Dimension(Enum):
    """What a record can be filtered by. The numbers are stored: one is never given to another dimension."""

    STATUS = 1
    KIND = 2
    CATEGORY = 3
    SEVERITY = 4
    EVIDENCE_GRADE = 5
    CONFIDENCE = 6
    HUB = 7
    ORGANISATION = 8
    MODEL = 9
    MODEL_ON_HUB = 10
    BASE_MODEL = 11
    LICENCE = 12
    OPENNESS = 13
    FORMAT = 14
    TERM = 15
    ALIAS = 16
    ORIGIN = 17
    PUBLISHED_DAY = 18
    MODIFIED_DAY = 19
    OCCURRED_DAY = 20


Pair = tuple[Dimension, str]

_FIRST_UNSIGNED = (Dimension.HUB.value + 1) << _VALUE_BITS

# What the document itself says in one word.
_MEMBERS = {
    Dimension.STATUS: "status",
    Dimension.KIND: "kind",
    Dimension.SEVERITY: "severity",
    Dimension.EVIDENCE_GRADE: "evidence_grade",
    Dimension.CONFIDENCE: "confidence",
    Dimension.ORIGIN: "origin",
}


@lru_cache(maxsize=16_384)
def token(dimension: Dimension, value: str) -> int:
    """The token of a value, letter case aside; positive, so that it fits PostgreSQL's bigint."""
    digest = hashlib.sha256(value.lower().encode()).digest()
    return dimension.value << _VALUE_BITS | int.from_bytes(digest[: _VALUE_BITS // 8])


def tokens_of(dimension: Dimension) -> tuple[int, int]:
    """The lowest token of a dimension, and the lowest above all of them."""
    return dimension.value << _VALUE_BITS, (dimension.value + 1) << _VALUE_BITS


def signature(tokens: Iterable[int]) -> int | None:
    """Tokens of the dimensions that every record has few values of, as bits of one number; None with any other.

    A record with all the tokens has all the bits, seldom is it the other way round: a signature file (C. Faloutsos and
    S. Christodoulakis, ACM TOIS 2(4), 1984), with one bit for a token. No two values of the fixed vocabularies share
    one. The database computes it for its rows, so a change of these numbers is a migration.
    """
    bits = 0
    for token in tokens:
        if token >= _FIRST_UNSIGNED:
            return None
        bits |= 1 << (token >> 23) % 55
    return bits


def pairs_of(document: Mapping[str, Any]) -> set[Pair]:
    """What a public document says by itself. Models named as not affected count for their names alone."""
    pairs = {(dimension, str(document[member])) for dimension, member in _MEMBERS.items()}
    for code in _with_parents(document["category"]):
        pairs |= {(Dimension.CATEGORY, code), (Dimension.TERM, f"{OWN}:{code}")}
    pairs |= {(Dimension.TERM, f"{one['taxonomy']}:{one['term']}") for one in document["classifications"]}
    pairs |= {(Dimension.ALIAS, alias) for alias in document["aliases"]}
    pairs |= _day_pairs(document)
    for named in document["affected"]:
        pairs |= _names(named["hub"] or "", named["name"])
        if named["status"] != AffectedStatus.NOT_AFFECTED:
            pairs |= _claims(named)
    return pairs


def licence_pairs(text: str) -> set[Pair]:
    """What a hub's field for the licence comes to."""
    return {(Dimension.LICENCE, _licence_id(claim)) for claim in read_claims(text)}


def licence_wanted(text: str) -> str:
    """The value to filter by for an id, an SPDX id or a name of a licence."""
    found = find_licence(text)
    return found.id if found else text


def days_of(document: Mapping[str, Any]) -> tuple[date, date]:
    """The first and the last day on which it may have occurred; UNKNOWN_DAY twice where nobody knows."""
    occurred = document["occurred"]
    return (first_day(occurred), last_day(occurred)) if occurred else (UNKNOWN_DAY, UNKNOWN_DAY)


def _day_pairs(document: Mapping[str, Any]) -> set[Pair]:
    """The days (UTC) that lists are ordered by: nobody filters by them, `incidents.days` goes from one to another."""
    day = len("2026-03-01")
    return {
        (Dimension.PUBLISHED_DAY, document["published"][:day]),
        (Dimension.MODIFIED_DAY, document["modified"][:day]),
        (Dimension.OCCURRED_DAY, days_of(document)[0].isoformat()),
    }


def texts_of(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The words of a document by weight: its heading with names and ids, its summary, its description."""
    names = " ".join(f"{named['name']} {named['name'].replace('/', ' ')}" for named in document["affected"])
    heading = f"{document['title']} {document['id']} {names} {' '.join(document['aliases'])}"
    return heading, document["summary"], document["description"]


def _with_parents(code: str) -> Iterable[str]:
    while code:
        yield code
        term = taxonomies()[OWN].term(code)
        code = term.parent if term else ""


def _names(hub: str, name: str) -> set[Pair]:
    pairs = {(Dimension.MODEL, name)}
    organisation, slash, _ = name.partition("/")
    if slash:
        pairs.add((Dimension.ORGANISATION, organisation))
    if hub:
        pairs |= {(Dimension.HUB, hub), (Dimension.MODEL_ON_HUB, f"{hub}/{name}")}
    return pairs


def _claims(named: Mapping[str, Any]) -> set[Pair]:
    formats = {weight_format(file["path"]) for file in named["files"]} - {""}
    pairs = {(Dimension.BASE_MODEL, named["name"]), *((Dimension.FORMAT, one) for one in formats)}
    return pairs | licence_pairs((named["observed"] or {}).get("licence", ""))


def _licence_id(claim: Claim) -> str:
    return claim.licence.id if claim.licence else claim.text
