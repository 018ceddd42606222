"""Statistics over 100,000 and 500,000 records: the narrow rows against the same count over the records themselves.

Run by hand: `make bench ARGS="-k statistics"`.
"""

import statistics as median_of
import time

import pytest
from django.db import connection

from incidents import organisations, public_names, term_counts
from incidents.public_names import Wanted
from incidents.statistics import count, query_of

SIZES, ROUNDS = (100_000, 500_000), 5

# Skewed like the real thing: few categories and organisations have most of the records; one in fifty shares its event.
FILL = """
INSERT INTO incidents_incident (id, public_id, origin, version, status, kind, category, severity, evidence_grade,
    confidence, superseded_by, title, occurred, published_at, modified_at, document, digest)
SELECT n, 'FL-2026-' || lpad(n::text, 8, '0'), 'bench', 1,
    CASE WHEN n %% 40 = 0 THEN 'withdrawn' ELSE 'published' END,
    CASE WHEN n %% 5 = 0 THEN 'hazard' ELSE 'incident' END,
    'category-' || floor(60 * power(random(), 3))::int,
    (ARRAY['low', 'moderate', 'high', 'critical'])[1 + floor(4 * power(random(), 2))::int], 'documented', 'high', '',
    'title', '2026', moment, moment,
    convert_to((SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 40) i), 'UTF8'), ''
FROM generate_series(%(first)s, %(last)s) n
CROSS JOIN LATERAL (SELECT timestamptz '2021-01-01' + random() * interval '5 years' + n * interval '0') each(moment)
"""
FACTS = """
INSERT INTO incidents_fact (incident_id, status, kind, category, severity, evidence_grade, confidence, origin,
    published, occurred_year, event, hubs, organisations, licences, terms, statements)
SELECT incident.id, status, kind, category, severity, evidence_grade, confidence, origin,
    to_char(published_at, 'YYYYMM')::int, 2026, CASE WHEN incident.id %% 50 < 1 THEN incident.id / 100 * 100 END,
    '{huggingface}', ARRAY['huggingface/org-' || floor(20000 * power(random(), 3))::int],
    '{apache-2.0}', ARRAY['faultline:' || category, 'mit-risk:' || incident.id %% 7], 0
FROM incidents_incident incident WHERE incident.id BETWEEN %(first)s AND %(last)s
"""
NAMES = """
INSERT INTO incidents_recordedname (hub, name_key, name, organisation, named, concerned)
SELECT 'huggingface', fact.organisations[1] || '-m' || incident_id %% 3, 'm', fact.organisations[1], COUNT(*), COUNT(*)
FROM incidents_fact fact WHERE incident_id BETWEEN %(first)s AND %(last)s GROUP BY 2, 4
ON CONFLICT DO NOTHING
"""
WIDE = """
SELECT category, to_char(published_at, 'YYYY'), COUNT(*) FROM incidents_incident
WHERE status <> 'withdrawn' AND kind = 'incident' GROUP BY 1, 2
"""


def wide():
    with connection.cursor() as cursor:
        cursor.execute(WIDE)
        return cursor.fetchall()


WORK = {
    "over the records: category, year": wide,
    "category, year": lambda: count(query_of(["category", "published_year"], {})),
    "total": lambda: count(query_of([], {})),
    "severity, category, month": lambda: count(query_of(["severity", "category", "published_month"], {})),
    "organisation (50 of 20,000), year": lambda: count(query_of(["organisation", "published_year"], {})),
    "one organisation": lambda: organisations.organisation("huggingface", "org-7"),
    "terms": term_counts.count,
    "models, a page": lambda: public_names.find(Wanted()),
    "organisations, a page": organisations.find,
}


@pytest.mark.django_db
def test_statistics_grow_with_the_narrow_rows_only():
    last = 0
    for size in SIZES:
        with connection.cursor() as cursor:
            for statement in (FILL, FACTS, NAMES):
                cursor.execute(statement, {"first": last + 1, "last": size})
            cursor.execute("ANALYZE")
        last = size
        times = {name: [] for name in WORK}
        for _ in range(ROUNDS):
            for name, work in WORK.items():
                started = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - started) * 1000)
        print(f"\n{size:,} records")
        for name, found in times.items():
            print(f"{name:36} {median_of.median(found):9.1f} ms")
