"""Which connection reads: that of the public while something public is answered, and the owner's at any other time.

The tables of `settings.PUBLIC_APPS` are read by both: for pages and answers by the role that sees what is public of
them, for workers and moderators by their owner. So the code that reads does not say which; the door somebody came
through does (`config.doors`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model

_is_public: ContextVar[bool] = ContextVar("reads_are_public", default=False)


@contextmanager
def by_the_public() -> Iterator[None]:
    """Within it, this thread reads `settings.PUBLIC_APPS` by the public's connection; it writes as ever."""
    before = _is_public.set(True)
    try:
        yield
    finally:
        _is_public.reset(before)


def database() -> str:
    """The alias, in `settings.DATABASES`, of the connection that reads here."""
    return settings.PUBLIC_READS if _is_public.get() else DEFAULT_DB_ALIAS


def connection() -> DatabaseWrapper:
    """This thread's connection that reads here, for SQL of one's own."""
    return cast(DatabaseWrapper, connections[database()])


class Router:
    """The same for Django's querysets (`settings.DATABASE_ROUTERS`)."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str | None:
        """Where rows of a model are read; None leaves it to Django."""
        is_ours = _is_public.get() and model._meta.app_label in settings.PUBLIC_APPS  # noqa: SLF001 - Django's documented API
        return settings.PUBLIC_READS if is_ours else None

    def allow_migrate(self, alias: str, _app_label: str, **_hints: Any) -> bool:
        """The owner alone makes tables."""
        return alias == DEFAULT_DB_ALIAS
