"""Accounts in the console, for operators."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from accounts.models import Role, User
from accounts.roles import ROLES, SEES_CONTACTS


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Accounts: who, and in which role. Nobody hands out more than a role here."""

    list_display = ("username", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    add_form = AdminUserCreationForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Role", {"fields": ("role", "is_active")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "role"),
            },
        ),
    )
    filter_horizontal = ()

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Operators change accounts, but no superuser's."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Nobody gives themselves a role."""
        return ("role",) if obj is not None and obj.pk == request.user.pk and not _is_superuser(request) else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles that see how to reach reporters are a superuser's to hand out."""
        if db_field.name == "role" and not _is_superuser(request):
            kwargs["choices"] = [(role, label) for role, label in Role.choices if SEES_CONTACTS not in ROLES[role]]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
