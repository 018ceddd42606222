"""The console: Django's admin site, for accounts with a role."""

from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from accounts.models import User


class Console(AdminSite):
    """The moderation console."""

    site_header = "Faultline console"
    site_title = "Faultline console"
    index_title = "What needs doing"
    site_url = "/"
    # The admin's own form asks for is_staff; here a role decides, in `has_permission`.
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor has a role here."""
        user = request.user
        return isinstance(user, User) and user.is_active and (user.is_superuser or bool(user.role))
