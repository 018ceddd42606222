"""The connection that public reads use."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def public_connection() -> BaseDatabaseWrapper:
    """The connection of this thread."""
    return connection
