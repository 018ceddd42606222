"""The connection of public reads: a role that may only read what is public, on the replica where there is one."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model, QuerySet

_Row = TypeVar("_Row", bound=Model)
_Values = Sequence[Any] | Mapping[str, Any]


def public_connection() -> DatabaseWrapper:
    """This thread's connection for whatever the public reads."""
    return cast(DatabaseWrapper, connections[settings.PUBLIC_READS])


def of_public(model: type[_Row]) -> QuerySet[_Row]:
    """All rows of a public table, by that connection."""
    return model._default_manager.using(settings.PUBLIC_READS)  # noqa: SLF001 - Django's documented API


def rows(query: str, values: _Values = (), *, prepared: bool = True) -> list[tuple[Any, ...]]:
    """The rows of a query, in binary; prepared once, where it is the same each time but for its values.

    Not `prepared` is right for queries whose best plan depends on the values, such as words to search for.
    """
    connection: Any = public_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0  # Django's own cursors never prepare, whatever this says
    cursor = (_Prepared if prepared else _Binary)(connection.connection)
    # As `cursor()` does it, with another cursor.
    with connection.wrap_database_errors, connection._prepare_cursor(cursor) as asking:  # noqa: SLF001
        asking.execute(query, values)
        return list(asking.fetchall())


class _Binary(psycopg.Cursor[tuple[Any, ...]]):
    prepare = False

    def execute(self, query: Any, params: _Values | None = None, **_options: Any) -> "_Binary":
        return super().execute(query, params, prepare=self.prepare, binary=True)


class _Prepared(_Binary):
    prepare = True
