"""The database role of public reads, and the tables and rows it may read: these, and no others.

`migrate` grants what is listed here each time it runs, so a table that is new is closed until somebody lists it.
"""

from typing import Any

from django.db import connection, transaction
from psycopg import errors, sql

from lib.canonical import digest

# Whatever is derived from published documents alone, ours or another node's. A table of anything that was not published
# never belongs here.
PUBLIC_TABLES = (
    "catalogue_attestation",  # imported from public files, whichever models we know
    "federation_cosignature",
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

# Of these tables the columns that everybody may see: whom this node follows, and not how it judges them.
PUBLIC_COLUMNS = {
    "federation_peer": (
        *("id", "domain", "origin", "origin_digest", "vkey", "state", "size", "seen", "applied", "read_at"),
        "distrusted_at",
    )
}

_OF_A_SHOWN_MODEL = "EXISTS (SELECT FROM catalogue_model model WHERE model.id = model_id)"
# The catalogue also knows models that only undecided or rejected reports named: of these tables the role sees the rows
# that meet the condition. A condition's own subqueries are under the same conditions, so that a model which is not
# shown hides all that hangs on it. PostgreSQL looks up only by operators that leak nothing (`=` and `<` on columns),
# never by LOWER() or LIKE: hence `name_key`.
OPEN_ROWS = {
    "catalogue_model": "shown",
    "catalogue_alias": _OF_A_SHOWN_MODEL,
    "catalogue_drift": _OF_A_SHOWN_MODEL,
    "catalogue_inspection": _OF_A_SHOWN_MODEL,
    "catalogue_lineage": "EXISTS (SELECT FROM catalogue_model model WHERE model.id = child_id)",
    # A revision that no record names was asked about because somebody reported it.
    "catalogue_lookup": "revision = '' AND EXISTS (SELECT FROM catalogue_alias alias WHERE alias.id = alias_id)",
    "catalogue_openness": _OF_A_SHOWN_MODEL,
    "catalogue_snapshot": """EXISTS (
        SELECT FROM catalogue_model model WHERE model.id = model_id AND (revision_asked = '' OR EXISTS (
            SELECT FROM incidents_affected affected
            WHERE affected.hub = model.hub AND affected.stable_id = model.stable_id
              AND affected.revision = catalogue_snapshot.revision)))""",
    "catalogue_usecount": _OF_A_SHOWN_MODEL,
    "catalogue_weightfile": "EXISTS (SELECT FROM catalogue_snapshot snapshot WHERE snapshot.id = snapshot_id)",
}


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
        open_rows = {name: condition for name, condition in OPEN_ROWS.items() if name in there}
        for name, condition in open_rows.items():
            _open_rows(cursor, name, condition, role)
        listed = [name for name in (*PUBLIC_TABLES, *open_rows) if name in there]
        tables = sql.SQL(", ").join(map(sql.Identifier, listed))
        cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(reader))
        cursor.execute(sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(reader))
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, reader))
        for name, columns in PUBLIC_COLUMNS.items():
            if name in there:
                listed_columns = sql.SQL(", ").join(map(sql.Identifier, columns))
                grants = sql.SQL("GRANT SELECT ({}) ON {} TO {}")
                cursor.execute(grants.format(listed_columns, sql.Identifier(name), reader))


def _open_rows(cursor: Any, table: str, condition: str, role: str) -> None:
    """Lets the role see the rows that meet the condition. Takes the table's lock only where something changes."""
    name = f"open_{digest(f'{role} {condition}'.encode())[:16]}"
    cursor.execute("SELECT policyname FROM pg_policies WHERE schemaname = current_schema() AND tablename = %s", [table])
    standing = {policy for (policy,) in cursor.fetchall()}
    if standing == {name}:
        return
    on = sql.Identifier(table)
    for policy in standing:
        cursor.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), on))
    create = sql.SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING ({})")
    cursor.execute(create.format(sql.Identifier(name), on, sql.Identifier(role), sql.SQL(condition)))
    cursor.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(on))


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
