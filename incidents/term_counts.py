"""How many records stand under each term of each taxonomy: by the term itself, and by it or a term below."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from incidents.connection import rows
from incidents.record import Kind, Status
from incidents.taxonomy import taxonomies

Term = tuple[str, str]  # taxonomy and code


@dataclass(frozen=True)
class TermCount:
    """Records in force, and events with an incident among them: under the term itself, and under it or a term below."""

    records: int = 0
    incidents: int = 0
    records_below: int = 0
    incidents_below: int = 0


@dataclass(frozen=True)
class TermCounts:
    """Counts by term as of that entry of the log; a term that nothing stands under is left out."""

    log_number: int
    by_term: Mapping[Term, TermCount]
    in_taxonomy: Mapping[str, int]  # records with any term of it

    def of(self, taxonomy: str, code: str) -> TermCount:
        """The counts of one term."""
        return self.by_term.get((taxonomy, code), TermCount())


@dataclass
class _Tally:
    records: int = 0
    alone: int = 0
    events: set[int] = field(default_factory=set)

    def add(self, number: int, event: int | None, *, is_incident: bool) -> None:
        """Takes in a number of records of the same sort."""
        self.records += number
        if is_incident and event is None:
            self.alone += number
        elif is_incident and event is not None:
            self.events.add(event)

    @property
    def incidents(self) -> int:
        """Each event once."""
        return self.alone + len(self.events)


# Few sets of terms occur, however many records there are, and few records share their event: apart, both halves are
# grouped in memory. The first row has the log's number.
_STATEMENT = """
SELECT NULL::varchar[], FALSE, NULL::bigint, COALESCE(MAX(number), 0) FROM incidents_publication
UNION ALL
(SELECT terms, kind = %(incident)s, NULL, COUNT(*) FROM incidents_fact
WHERE status <> %(withdrawn)s AND event IS NULL GROUP BY 1, 2)
UNION ALL
(SELECT terms, kind = %(incident)s, event, COUNT(*) FROM incidents_fact
WHERE status <> %(withdrawn)s AND event IS NOT NULL GROUP BY 1, 2, 3)
"""


def count() -> TermCounts:
    """Counts the terms of every taxonomy. One query, which is given up like every public read that takes too long."""
    values = {"incident": Kind.INCIDENT.value, "withdrawn": Status.WITHDRAWN.value}
    found = rows(_STATEMENT, values, prepared=False)
    (_, _, _, log_number), *groups = sorted(found, key=lambda row: row[0] is not None)
    direct: dict[Term, _Tally] = {}
    below: dict[Term, _Tally] = {}
    in_taxonomy: Counter[str] = Counter()
    for terms, is_incident, event, number in groups:
        own = {_read(term) for term in terms}
        in_taxonomy.update(dict.fromkeys({taxonomy for taxonomy, _ in own}, number))
        for term in own:
            direct.setdefault(term, _Tally()).add(number, event, is_incident=is_incident)
        for term in own | set(_above(own)):
            below.setdefault(term, _Tally()).add(number, event, is_incident=is_incident)
    none = _Tally()
    counted = {
        term: TermCount(
            direct.get(term, none).records, direct.get(term, none).incidents, tally.records, tally.incidents
        )
        for term, tally in below.items()
    }
    return TermCounts(log_number, counted, in_taxonomy)


def _read(text: str) -> Term:
    taxonomy, _, code = text.partition(":")
    return taxonomy, code


def _above(terms: Iterable[Term]) -> Iterable[Term]:
    """Every term above these; a term of a taxonomy that is not known here has none."""
    for taxonomy, code in terms:
        known = taxonomies().get(taxonomy)
        term = known.term(code) if known else None
        seen = {code}
        while known and term and term.parent and term.parent not in seen:
            seen.add(term.parent)
            yield taxonomy, term.parent
            term = known.term(term.parent)


def crosswalk_to(taxonomy: str, code: str) -> list[Term]:
    """The terms elsewhere that name this one as near."""
    return [
        (other.id, term.code)
        for other in taxonomies().values()
        for term in other.terms
        if code in term.crosswalk.get(taxonomy, ())
    ]
