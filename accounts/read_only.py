"""Admin classes that only show."""

from django.db.models import Model
from django.http import HttpRequest


class ReadOnly:
    """For admin classes and inlines: nobody adds, changes or deletes here, not even a superuser."""

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Never."""
        return False
