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
    """The rows of a query, in binary; planned and prepared once, where it is the same each time but for its values.

    Not `prepared` is right for queries whose best plan depends on the values, such as words to search for.
    """
    connection: Any = public_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    here = connection.connection
    here.prepare_threshold = 0  # Django's own cursors never prepare, whatever this says
    # As `cursor()` does it, with another cursor.
    with connection.wrap_database_errors, connection._prepare_cursor(_Binary(here)) as asking:  # noqa: SLF001
        if prepared:
            asking.execute(query, values)
        else:
            # Values in the statement itself: `plan_cache_mode` is about those that are sent apart from it.
            asking.execute(psycopg.ClientCursor(here).mogrify(query, values), None)
        return list(asking.fetchall())


class _Binary(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: _Values | None = None, **_options: Any) -> "_Binary":
        return super().execute(query, params, prepare=params is not None, binary=True)
