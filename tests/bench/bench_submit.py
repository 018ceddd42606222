"""Submitting a report against a bare transaction that inserts the same rows, into copies of the tables.

Both wait until their commit is on disk, as a node does; without that (the tests' setting) a second line says how they
compare in what they compute.

Run by hand: `make bench ARGS="-k submit"`.
"""

import itertools
import re
import statistics
import time

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories

ROUNDS = 200
INSERT = re.compile(r'INSERT INTO "(\w+)"')
_numbers = itertools.count(ROUNDS)


def table_of(statement):
    return INSERT.match(statement)[1]


def inserted(number):
    """The INSERT statements of one report, as they were sent."""
    with CaptureQueriesContext(connection) as captured:
        submitted(number)
    return [query["sql"] for query in captured if INSERT.match(query["sql"])], len(captured)


def submitted(number):
    return factories.report(text=f"Report {number}: the model names the same shop in most answers about cooking.")


def compared(rows):
    """Milliseconds of a bare transaction, and of a report that is submitted: medians, one after the other."""
    bare, ours = [], []
    for report in rows:
        statements = [
            statement.replace(f'"{table_of(statement)}"', f'"bare_{table_of(statement)}"') for statement in report
        ]
        with connection.cursor() as cursor:
            cursor.execute("".join(f"TRUNCATE bare_{table_of(statement)};" for statement in report))
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.cursor.execute(statement)
        bare.append(time.perf_counter() - started)
        started = time.perf_counter()
        submitted(next(_numbers))
        ours.append(time.perf_counter() - started)
    return statistics.median(bare) * 1000, statistics.median(ours) * 1000


@pytest.mark.django_db(transaction=True)
def test_submitting():
    rows, queries = zip(*(inserted(number) for number in range(ROUNDS)), strict=True)
    with connection.cursor() as cursor:
        for table in {table_of(statement) for report in rows for statement in report}:
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")
    for durable in ("on", "off"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET synchronous_commit = {durable}")
        bare, ours = compared(rows)
        print(f"\nwaiting for the disk: {durable}")
        print(f"bare {bare:.2f} ms for {len(rows[0])} rows; submitted {ours:.2f} ms, {queries[-1]} statements")
        print(f"submitted at {bare / ours:.2f} of the bare rate")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'bare\\_%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {table}")
