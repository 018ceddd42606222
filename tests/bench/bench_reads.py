"""Reads against the bare minimum, a typical project, and Datasette, on the same records and the same server.

The bare minimum answers the same documents in the same order, from a prepared statement along an index of the records
themselves. It knows no past state, cursor, limit or header; ours pays for these. Lists are asked twice over: nine
questions again and again, which a process remembers having understood, and thousands that it does not.

Run by hand: `make bench ARGS="-k reads"`; `BENCH_ROWS=10000,100000` for fewer records than a million. What is filled
once is kept.
"""

import os
import random
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from tests.bench import collection
from tests.bench.peers import sqlite_copy, typical
from tests.bench.serving import Way, interleaved, served, table

SIZES = [int(size) for size in os.environ.get("BENCH_ROWS", "10000,100000,1000000").split(",")]
FILTERS = [
    f"?severity={severity}&evidence_grade={grade}"
    for severity in ("low", "moderate", "high")
    for grade in ("claim", "documented", "reproduced")
]
API = "/api/v1/incidents"
# The same nine with an end that excludes nothing, each time another: more of them than are remembered.
OTHERS = [
    f"{FILTERS[number % len(FILTERS)]}&published_to=2100-01-01T{number // 60:02}:{number % 60:02}:00Z"
    for number in range(24 * 60)
]


@pytest.fixture(autouse=True)
def _real_database(django_db_blocker):
    """These databases are beside the tests' own."""
    with django_db_blocker.unblock():
        yield


def prepared(size):
    """The database of that size, with the typical project's tables; and some of its public ids."""
    address = collection.filled(size)
    with collection.connect(address) as database:
        if not database.execute("SELECT FROM pg_tables WHERE tablename = 'bench_incident'").rowcount:
            database.execute(typical.TABLES)
        top = database.execute("SELECT max(id) FROM incidents_incident").fetchone()[0]
        picked = [random.Random(3).randrange(1, top + 1) for _ in range(2000)]
        ids = database.execute("SELECT public_id FROM incidents_incident WHERE id = ANY(%s)", [picked]).fetchall()
    return address, [public_id for (public_id,) in ids]


def tag_of(port):
    """The ETag of a list."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {API}{FILTERS[0]} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0].decode()
    assert b" 200 " in head.encode(), head
    return next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("etag"))


@pytest.mark.parametrize("size", SIZES)
def test_reads(size):
    address, ids = prepared(size)
    home, details = Path(settings.HOME), [f"{API}/{public_id}" for public_id in ids]
    lists = [API + question for question in FILTERS]
    with ExitStack() as stack:
        start = lambda *given, **options: stack.enter_context(served(address, *given, **options))  # noqa: E731
        ours = start("config.wsgi:application")
        raw = start("tests.bench.peers.raw:application")
        nested = start(
            "tests.bench.peers.typical_wsgi:application", DJANGO_SETTINGS_MODULE="tests.bench.peers.typical_settings"
        )
        tag = tag_of(ours[0])
        ways = {
            "list, raw": Way("list: raw psycopg and WSGI", *raw, lists),
            "list": Way("list: ours", *ours, lists),
            "list, others": Way("list: ours, no question twice", *ours, [API + one for one in OTHERS]),
            "304": Way("list unchanged, 304: ours", *ours, [f"{one}\tIf-None-Match: {tag}" for one in lists], 304),
            "list, nested": Way("list: nested serializers", *nested, lists),
            "detail, raw": Way("detail: raw psycopg and WSGI", *raw, details),
            "detail": Way("detail: ours", *ours, details),
            "detail, nested": Way("detail: nested serializers", *nested, details),
        }
        if program := sqlite_copy.installed(home):
            with collection.connect(address) as database:
                copy = sqlite_copy.copied(database, home / f"bench_{size}.db")
            datasette = start("", command=lambda port: [program, "serve", "--immutable", copy, "--port", str(port)])
            asked = "&status__not=withdrawn&_sort_desc=published_at&_size=50&_nocount=1&_nofacet=1"
            ways["list, datasette"] = Way(
                "list: Datasette, without its count",
                *datasette,
                [f"/bench_{size}/incident.json{one}{asked}" for one in FILTERS],
            )
        interleaved(list(ways.values()))
    print(f"\n{size:,} records: answers a second, ratio to raw list or detail, CPU an answer here and in the database")
    table([way for name, way in ways.items() if "detail" not in name], ways["list, raw"])
    table([way for name, way in ways.items() if "detail" in name], ways["detail, raw"])
    for name in ("list, nested", "list, datasette"):
        if name in ways:
            print(f"  ours is {ways['list'].rate / ways[name].rate:.1f} times {ways[name].name}")
    print(f"  ours is {ways['detail'].rate / ways['detail, nested'].rate:.1f} times {ways['detail, nested'].name}")
    assert ways["list"].rate > ways["list, nested"].rate
