"""The searches that `bench_search.py` times, in a process of their own on the database it prepared: JSON on stdout.

python -m tests.bench.searching < {"frequent": [word, ...], ...}
"""

import json
import os
import sys
import time
from urllib.parse import urlencode

import django

FACETS = ("kind", "severity", "evidence_grade", "hub")
ROUNDS = 5
# What a page of results with facets is in bare SQL: the newest that match, and their values counted.
BARE_PAGE = """
SELECT document FROM incidents_searchrow row JOIN incidents_publication entry USING (number)
WHERE words @@ websearch_to_tsquery('english', %s) AND until > %s AND in_force
ORDER BY row.published_at DESC, row.incident_id DESC LIMIT 51
"""
BARE_FACETS = """
SELECT kind, incident.severity, evidence_grade, hub, count(*) FROM incidents_searchrow row
JOIN incidents_incident incident ON incident.id = row.incident_id
LEFT JOIN incidents_affected affected ON affected.incident_id = incident.id
WHERE words @@ websearch_to_tsquery('english', %s) AND until > %s AND in_force
GROUP BY GROUPING SETS ((kind), (incident.severity), (evidence_grade), (hub))
"""


def milliseconds(ask, words):
    """The time of every search, round after round, so that no word is asked twice in a row."""
    for word in words:
        ask(word)
    times = []
    for _ in range(ROUNDS):
        for word in words:
            started = time.perf_counter()
            ask(word)
            times.append((time.perf_counter() - started) * 1000)
    return times


def main():
    django.setup()
    from api.incident_list import IncidentList, kept
    from incidents.models import STANDS
    from lib.reading import by_the_public
    from tests.bench.collection import connect

    bare = connect(os.environ["DATABASE_READER_URL"])

    def ours(text, **more):
        kept.clear()
        with by_the_public():
            return IncidentList.plain(urlencode({"q": text, **more}), "")

    def in_bare_sql(text):
        bare.execute(BARE_PAGE, [text, STANDS - 1], prepare=True, binary=True).fetchall()
        bare.execute(BARE_FACETS, [text, STANDS - 1], prepare=True).fetchall()

    asked = json.load(sys.stdin)
    found = {
        name: {
            "page": milliseconds(ours, words),
            "faceted": milliseconds(lambda word: ours(word, facets=",".join(FACETS)), words),
            "bare": milliseconds(in_bare_sql, words) if name == "rare" else [],
        }
        for name, words in asked.items()
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
