"""The connection that serves the public."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def public_connection() -> BaseDatabaseWrapper:
    """Where public reads go."""
    return connection
