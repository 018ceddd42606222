"""Submitting a report against a bare transaction that inserts the same rows, into copies of the tables.

Run by hand: `make bench ARGS="-k submit"`.
"""

import re
import statistics
import time

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories

ROUNDS = 200
INSERT = re.compile(r'INSERT INTO "(\w+)"')


def table_of(statement):
    return INSERT.match(statement)[1]


def inserted(number):
    """The INSERT statements of one report, as they were sent."""
    with CaptureQueriesContext(connection) as captured:
        submitted(number)
    return [query["sql"] for query in captured if INSERT.match(query["sql"])], len(captured)


def submitted(number):
    return factories.report(text=f"Report {number}: the model names the same shop in most answers about cooking.")


@pytest.mark.django_db(transaction=True)
def test_submitting():
    rows, queries = zip(*(inserted(number) for number in range(ROUNDS)), strict=True)
    with connection.cursor() as cursor:
        for table in {table_of(statement) for report in rows for statement in report}:
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")
    bare, ours = [], []
    for number, report in enumerate(rows):
        statements = [
            statement.replace(f'"{table_of(statement)}"', f'"bare_{table_of(statement)}"') for statement in report
        ]
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.cursor.execute(statement)
        bare.append(time.perf_counter() - started)
        started = time.perf_counter()
        submitted(ROUNDS + number)
        ours.append(time.perf_counter() - started)
    kept = statistics.median(bare) * 1000, statistics.median(ours) * 1000
    print(f"\nbare {kept[0]:.2f} ms for {len(rows[0])} rows; submitted {kept[1]:.2f} ms, {queries[-1]} statements")
    print(f"submitted at {kept[0] / kept[1]:.2f} of the bare rate")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'bare\\_%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {table}")
