"""The rows that find records: written with each entry of the log, and derived again from the documents at any time."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from incidents.model_facts import Known, facts_of, note_strangers
from incidents.models import STANDS, FacetCount, Incident, Operation, Publication, SearchRefresh, SearchRow
from incidents.record import Severity, Status
from incidents.tokens import Pair, days_of, pairs_of, texts_of, token

# pg_advisory_xact_lock key of rows and counts, taken after the log's where both are; the number means nothing.
_ROWS_LOCK = 7_265_104
FIRST_REFRESH = timedelta(hours=1)
_SEVERITIES = {severity.value: place for place, severity in enumerate(Severity)}

_INSERT = """
INSERT INTO incidents_searchrow (number, incident_id, until, in_force, published_at, modified_at, occurred_first,
    occurred_last, severity, size, tokens, words)
SELECT number, incident, until, in_force, published, modified, occurred_first, occurred_last, severity, size,
    tokens::bigint[],
    setweight(to_tsvector('english', heading), 'A') || setweight(to_tsvector('english', summary), 'B')
    || setweight(to_tsvector('english', description), 'C')
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[], %s::timestamptz[], %s::timestamptz[], %s::date[],
    %s::date[], %s::smallint[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS new(number, incident, until, in_force, published, modified, occurred_first, occurred_last, severity, size,
        tokens, heading, summary, description)
"""
_CLOSE = """
UPDATE incidents_searchrow former SET until = new.number
FROM unnest(%s::bigint[], %s::bigint[]) AS new(number, incident)
WHERE former.incident_id = new.incident AND former.until = %s AND former.number < new.number
RETURNING former.incident_id, former.in_force, former.tokens
"""
_COUNT = """
INSERT INTO incidents_facetcount (token, dimension, value, records)
SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::bigint[]) AS new(token, dimension, value, records)
ORDER BY token
ON CONFLICT (token) DO UPDATE SET records = EXCLUDED.records, value = EXCLUDED.value
"""
_NAME = """
INSERT INTO incidents_facetcount (token, dimension, value, records)
SELECT *, 0 FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS new(token, dimension, value)
ON CONFLICT (token) DO UPDATE SET value = EXCLUDED.value
"""
# What an erased record alone had: its name must not stay as a value that nothing has.
_FORGET = """
DELETE FROM incidents_facetcount facet WHERE token = ANY(%s) AND records = 0
    AND NOT EXISTS (SELECT FROM incidents_searchrow row WHERE row.tokens @> ARRAY[facet.token])
"""
# Never below zero: until `rebuild` has counted again, a row may have tokens that are not counted yet.
_DISCOUNT = "UPDATE incidents_facetcount SET records = greatest(records - 1, 0) WHERE token = ANY(%s)"
_RECOUNT = """
WITH counted AS (
    SELECT token, count(*) AS records FROM incidents_searchrow row, unnest(row.tokens) AS token
    WHERE row.until = %s AND row.in_force GROUP BY token
), stored AS (
    SELECT facet.token, coalesce(counted.records, 0) AS records FROM incidents_facetcount facet
    LEFT JOIN counted USING (token)
)
UPDATE incidents_facetcount facet SET records = stored.records FROM stored
WHERE facet.token = stored.token AND facet.records <> stored.records
"""


@dataclass(frozen=True)
class _Version:
    number: int
    incident: int
    size: int
    document: Mapping[str, Any]
    tokens: Mapping[int, Pair]

    @property
    def in_force(self) -> bool:
        return bool(self.document["status"] != Status.WITHDRAWN)


def project(publications: Sequence[Publication]) -> None:
    """The rows of new publications, each of another record, in the place of the records' former ones.

    Call it in their transaction.
    """
    _lock()
    known: Known = {}
    documents = {one.number: _document(one) for one in publications}
    note_strangers(known, documents.values())
    versions = [_version(one, documents[one.number], known) for one in publications]
    numbers, incidents = [one.number for one in versions], [one.incident for one in versions]
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [numbers, incidents, STANDS])
        former = {incident: tokens for incident, in_force, tokens in cursor.fetchall() if in_force}
    _insert((version, STANDS) for version in versions)
    _change_counts(
        (former.get(version.incident, ()), version.tokens if version.in_force else {}) for version in versions
    )
    _schedule(incidents)


def remove(incident: int) -> None:
    """Takes away every row of an erased record, and the values that no other has. Call it in its transaction."""
    _lock()
    # By its entries of the log: no index of rows begins with the record.
    rows = SearchRow.objects.filter(publication__incident=incident)
    counted = rows.filter(until=STANDS, in_force=True).values_list("tokens", flat=True).first() or []
    tokens = {token for row in rows.values_list("tokens", flat=True) for token in row}
    rows.delete()
    SearchRefresh.objects.filter(incident=incident).delete()
    with connection.cursor() as cursor:
        cursor.execute(_DISCOUNT, [counted])
        cursor.execute(_FORGET, [sorted(tokens)])


@transaction.atomic
def describe_again(incident: int) -> bool:
    """Asks the catalogue again about the models that the record names now; whether that changed what finds it."""
    _lock()
    row = SearchRow.objects.select_related("publication").filter(incident=incident, until=STANDS).first()
    if row is None:
        return False
    version = _version(row.publication, _document(row.publication), {})
    if set(version.tokens) == set(row.tokens):
        return False
    SearchRow.objects.filter(pk=row.pk).update(tokens=list(version.tokens))
    if row.in_force:
        _change_counts([(row.tokens, version.tokens)])
    return True


def rebuild(batch: int = 500) -> int:
    """Derives every row and count again from the log and the catalogue; how many rows. Publishing goes on meanwhile."""
    known: Known = {}
    last = rows = 0
    while incidents := _next_incidents(last, batch):
        rows += _rebuild(incidents, known)
        last = incidents[-1]
    recount()
    return rows


@transaction.atomic
def recount() -> None:
    """Counts the records of every token again."""
    _lock()
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [STANDS])


def _next_incidents(last: int, batch: int) -> list[int]:
    standing = Incident.objects.filter(pk__gt=last).order_by("pk")
    return list(standing.values_list("pk", flat=True)[:batch])


@transaction.atomic
def _rebuild(incidents: Sequence[int], known: Known) -> int:
    _lock()
    # Asked again under the lock: one may have been erased since it was found.
    standing = Publication.objects.filter(incident__in=incidents, incident__erased_at=None)
    entries = standing.order_by("incident", "-number")
    documents = {entry.number: _document(entry) for entry in entries}
    note_strangers(known, documents.values())
    versions = [_version(entry, documents[entry.number], known) for entry in entries]
    SearchRow.objects.filter(publication__in=[version.number for version in versions]).delete()
    following = dict.fromkeys(incidents, STANDS)
    rows = []
    for version in versions:
        rows.append((version, following[version.incident]))
        following[version.incident] = version.number
    _insert(rows)
    # Only the words: `recount` counts when all rows are there.
    _name({number: pair for version in versions for number, pair in version.tokens.items()})
    _schedule({version.incident for version in versions})
    return len(versions)


def _document(publication: Publication) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(publication.document))
    if publication.operation == Operation.WITHDRAW:
        # Also of a record that this node hides, whose document says something else.
        document["status"] = Status.WITHDRAWN.value
    return document


def _version(publication: Publication, document: Mapping[str, Any], known: Known) -> _Version:
    pairs = sorted(pairs_of(document) | facts_of(document, known), key=lambda pair: (pair[0].value, pair[1]))
    tokens = {token(*pair): pair for pair in pairs}
    return _Version(publication.number, publication.incident_id, len(publication.document), document, tokens)


def _insert(rows: Iterable[tuple[_Version, int]]) -> None:
    """The versions, each with the entry that replaced it."""
    columns = zip(*(_columns(version, until) for version, until in rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in columns])


def _columns(version: _Version, until: int) -> list[Any]:
    document = version.document
    return [
        version.number,
        version.incident,
        until,
        version.in_force,
        datetime.fromisoformat(document["published"]),
        datetime.fromisoformat(document["modified"]),
        *days_of(document),
        _SEVERITIES[document["severity"]],
        version.size,
        f"{{{','.join(map(str, version.tokens))}}}",  # as text: PostgreSQL unnests no arrays of different lengths
        *texts_of(document),
    ]


def _change_counts(changes: Iterable[tuple[Collection[int], Mapping[int, Pair]]]) -> None:
    """Counts records, in this order, out under the tokens that each had in force, and in under those that it has."""
    steps = [(set(before), now) for before, now in changes]
    counts = _counts({number for before, now in steps for number in before ^ now.keys()})
    for before, now in steps:
        for number, (dimension, value) in now.items():
            if number not in before:
                counts[number] = (dimension.value, value[:400], counts[number][2] + 1 if number in counts else 1)
        for number in before - now.keys():
            if number in counts:
                # Never below zero: until `rebuild` has counted again, a row may have tokens that are not counted yet.
                counts[number] = (*counts[number][:2], max(counts[number][2] - 1, 0))
    columns = zip(*((number, *count) for number, count in counts.items()), strict=True)
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [list(column) for column in columns])


def _counts(tokens: Collection[int]) -> dict[int, tuple[int, str, int]]:
    """Dimension, value and records of tokens."""
    rows = FacetCount.objects.filter(token__in=tokens).values_list("token", "dimension", "value", "records")
    return {number: (dimension, value, records) for number, dimension, value, records in rows}


def _name(tokens: Mapping[int, Pair]) -> None:
    """These tokens are known by their values from now on."""
    dimensions = [dimension.value for dimension, _ in tokens.values()]
    columns: list[Any] = [list(tokens), dimensions, [value[:400] for _, value in tokens.values()]]
    with connection.cursor() as cursor:
        cursor.execute(_NAME, columns)


def _schedule(incidents: Iterable[int]) -> None:
    now = timezone.now()
    SearchRefresh.objects.bulk_create(
        (SearchRefresh(incident_id=pk, asked_at=now, due_at=now + FIRST_REFRESH, interval_hours=1) for pk in incidents),
        update_conflicts=True,
        unique_fields=["incident"],
        update_fields=["asked_at", "due_at", "interval_hours"],
    )


def _lock() -> None:
    """Held until commit: rows and counts change together, one change at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROWS_LOCK])
