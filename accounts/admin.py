"""Accounts in the console, for operators."""

from typing import Any

import allauth.account.admin
import allauth.mfa.admin  # noqa: F401 - so that what they register is here to be taken away
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator

from accounts import second_factor, tokens
from accounts.models import Affiliation, ApiToken, Role, User
from accounts.roles import MEANINGS, ROLES, SEES_CONTACTS

# Roles decide, not groups; and nobody reads or edits somebody else's second factor.
for elsewhere in (Group, EmailAddress, Authenticator):
    admin.site.unregister(elsewhere)


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

    def get_urls(self) -> list[URLPattern]:
        """The table of roles before the admin's own."""
        roles = self.admin_site.admin_view(self.roles_view)
        return [path("roles/", roles, name="accounts_roles"), *super().get_urls()]

    def roles_view(self, request: HttpRequest) -> HttpResponse:
        """Who may do what: the table itself, for everybody with a role."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Who may do what",
            "roles": [Role(role).label for role in ROLES if role],
            "rows": [(text, [name in ROLES[role] for role in ROLES if role]) for name, text in MEANINGS.items()],
            "is_nav_sidebar_enabled": False,
        }
        return TemplateResponse(request, "admin/accounts/roles.html", context)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Operators change accounts, but no superuser's."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    @method_decorator(second_factor.recently)
    def add_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Asks for fresh proof of who adds an account."""
        return super().add_view(*args, **kwargs)

    @method_decorator(second_factor.recently)
    def change_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Asks for fresh proof of who changes an account."""
        return super().change_view(*args, **kwargs)

    @method_decorator(second_factor.recently)
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's name
        """Asks for fresh proof; a password of somebody who sees contacts is a superuser's to set."""
        user = self.get_object(request, unquote(id))
        if user is not None and SEES_CONTACTS in ROLES.get(user.role, ()) and not _is_superuser(request):
            raise PermissionDenied
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Nobody gives themselves a role."""
        return ("role",) if obj is not None and obj.pk == request.user.pk and not _is_superuser(request) else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles that see how to reach reporters are a superuser's to hand out."""
        if db_field.name == "role" and not _is_superuser(request):
            kwargs["choices"] = [(role, label) for role, label in Role.choices if SEES_CONTACTS not in ROLES[role]]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(Affiliation)
class AffiliationAdmin(admin.ModelAdmin):
    """Who belongs to which organisation: everybody declares their own, operators anybody's."""

    list_display = ("organisation", "hub", "user", "declared_at")
    list_select_related = ("user",)
    search_fields = ("organisation", "user__username")
    fields = ("organisation", "hub", "user")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Affiliation]:
        """One's own, but for operators."""
        rows: QuerySet[Affiliation] = super().get_queryset(request)
        return rows if _of_anybody(request) else rows.filter(user=request.user.pk)

    def has_change_permission(self, _request: HttpRequest, _obj: Affiliation | None = None) -> bool:
        """Never: it is declared, or taken away."""
        return False

    def get_fields(self, request: HttpRequest, obj: Affiliation | None = None) -> tuple[str, ...]:
        """Whose it is, is asked of operators only."""
        return self.fields if obj or _of_anybody(request) else ("organisation", "hub")

    def save_model(self, request: HttpRequest, obj: Affiliation, form: Any, change: bool) -> None:
        """Everybody else declares for themselves."""
        if isinstance(request.user, User) and not _of_anybody(request):
            obj.user = request.user
        super().save_model(request, obj, form, change)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Everybody's API tokens, for operators who must end one that got out. People make theirs on their own page."""

    list_display = ("name", "user", "shown", "scopes", "last_used_on", "expires_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = ("revoked_at",)
    search_fields = ("prefix", "name", "user__username")
    fields = readonly_fields = ("user", "name", "shown", "scopes", "created_at", *list_display[4:])
    actions = ("revoke",)

    @admin.display(description="token", ordering="prefix")
    def shown(self, token: ApiToken) -> str:
        """The part of it that may be seen."""
        return f"fl_{token.prefix}_…"

    @admin.action(description="Revoke at once, for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        """Ends the tokens."""
        for token in chosen:
            tokens.revoke(token)
        self.message_user(request, f"{len(chosen)} revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """As the table of roles says."""
        return request.user.has_perm("accounts.revoke_apitoken")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Never: a token is made by whoever it belongs to."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: ApiToken | None = None) -> bool:
        """Never: a token does not change."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: ApiToken | None = None) -> bool:
        """Never: revoked, it says why it is refused."""
        return False


def _of_anybody(request: HttpRequest) -> bool:
    return request.user.has_perm("accounts.delete_affiliation")


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
