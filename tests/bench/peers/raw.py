"""The bare minimum: psycopg and a WSGI function over the same rows, prepared and in binary, and nothing else."""

import os
from threading import local
from urllib.parse import parse_qs

from tests.bench.collection import connect

_LIST = """
SELECT document FROM incidents_incident
WHERE status <> 'withdrawn' AND severity = %s AND evidence_grade = %s
ORDER BY published_at DESC, id DESC LIMIT 51
"""
_ONE = "SELECT document FROM incidents_incident WHERE public_id = %s"
_here = local()


def rows(query, values):
    if not hasattr(_here, "connection"):
        _here.connection = connect(os.environ["DATABASE_READER_URL"])
    return _here.connection.execute(query, values, prepare=True, binary=True).fetchall()


def application(environ, start_response):
    query = environ["QUERY_STRING"]
    if query:
        given = parse_qs(query)
        found = rows(_LIST, [given["severity"][0], given["evidence_grade"][0]])
        body = b'{"items":[' + b",".join(document for (document,) in found[:50]) + b"]}"
    else:
        ((body,),) = rows(_ONE, [environ["PATH_INFO"].rpartition("/")[2]])
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
