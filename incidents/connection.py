"""The connection of public reads: a role that may only read what is public, on the replica where there is one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import ServerBindingCursor

_Values = Sequence[Any] | Mapping[str, Any]


def public_connection() -> BaseDatabaseWrapper:
    """This thread's connection for whatever the public reads."""
    return connections[settings.PUBLIC_READS]


def rows(query: str, values: _Values = ()) -> list[tuple[Any, ...]]:
    """The rows of a query that is the same each time but for its values: prepared once, its result in binary.

    Not for queries whose best plan depends on the values, such as words to search for.
    """
    connection = public_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, connection._prepare_cursor(_Prepared(connection.connection)) as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


class _Prepared(ServerBindingCursor):
    def execute(self, query: Any, params: _Values | None = None, **_options: Any) -> "_Prepared":
        super().execute(query, params, prepare=True, binary=True)
        return self
