"""The tests' database: migrated once, and copied from then on.

All migrations together take as long as many tests. The copy that is kept is named after the migrations that made it,
so one that changes is run. It lies in the server that the tests use, whosever that is, beside the tests' database.
"""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.db import connection, connections
from psycopg import sql

ROOT = Path(__file__).parent.parent


def use_template() -> str:
    """Lets Django copy the tests' database where a copy of it was kept, of which `migrate` finds nothing to change.

    The name that such a copy has, kept or not.
    """
    # One of several runs that share a server has a database, and so a template, of its own.
    template = f"{connection.creation._get_test_db_name()}_template_{_digest(_sources())}"
    with connection._nodb_cursor() as cursor:
        if template in _kept(cursor, template):
            connection.settings_dict["TEST"]["TEMPLATE"] = template
    return template


def keep_template(template: str) -> None:
    """Keeps a copy of the tests' database, in which nothing is yet; what other migrations made is dropped."""
    with connection._nodb_cursor() as cursor:
        kept = _kept(cursor, template)
        if template in kept:
            return
        for name in kept:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connections.close_all()  # a database that somebody is in cannot be copied
        names = (sql.Identifier(name) for name in (template, connection.settings_dict["NAME"]))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))


def _kept(cursor: Any, template: str) -> set[str]:
    """The templates of the same database, whichever migrations made them."""
    cursor.execute("SELECT datname FROM pg_database")
    return {name for (name,) in cursor.fetchall() if name.rpartition("_")[0] == template.rpartition("_")[0]}


def _digest(sources: Iterator[Path]) -> str:
    """What changes with any of these files, and with Django."""
    digest = hashlib.sha256(django.__version__.encode())
    for source in sorted(set(sources)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """All migrations, and our own modules that they name: what one makes may follow from values that stand there."""
    for app in apps.get_app_configs():
        for migration in Path(app.path, "migrations").glob("*.py"):
            yield migration
            yield from _imported(migration)


def _imported(migration: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(migration.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (path for name in names if (path := ROOT.joinpath(*name.split(".")).with_suffix(".py")).is_file())
