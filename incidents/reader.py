"""The database role of public reads, and the tables it may read: these, and no others.

`migrate` grants what is listed here each time it runs, so a table that is new is closed until somebody lists it.
"""

from typing import Any

from django.db import connection, transaction
from psycopg import errors, sql

# Whatever is derived from published documents alone, ours or another node's. A table of anything that was not published
# never belongs here.
PUBLIC_TABLES = (
    "federation_mirror",
    "federation_pulledentry",
    "federation_pulledhash",
    "federation_pulledobject",
    "incidents_affected",
    "incidents_checkpoint",
    "incidents_facetcount",
    "incidents_fact",
    "incidents_harvestrow",
    "incidents_incident",
    "incidents_logentry",
    "incidents_logobject",
    "incidents_otherid",
    "incidents_overlay",
    "incidents_publication",
    "incidents_recordedname",
    "incidents_searchrow",
    "incidents_treehash",
)


class NoReaderError(RuntimeError):
    """The role cannot be made by us; the message says what an administrator runs."""


def grant(role: str, password: str = "") -> None:
    """Lets `role` read the public tables and nothing else; makes it where it is absent. Raises NoReaderError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if not cursor.rowcount:
            _make(role, password)
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        there = {name for (name,) in cursor.fetchall()}
        reader = sql.Identifier(role)
        tables = sql.SQL(", ").join(sql.Identifier(name) for name in PUBLIC_TABLES if name in there)
        cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(reader))
        cursor.execute(sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(reader))
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, reader))


def _make(role: str, password: str) -> None:
    query: Any = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(role))
    if password:
        query += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query)
            cursor.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(role)))
    except Exception as error:
        if isinstance(error.__cause__, errors.InsufficientPrivilege):
            said = f"CREATE ROLE {role} LOGIN PASSWORD '...'"
            raise NoReaderError(f"we may not make the role {role}: let an administrator run {said}") from error
        raise
