"""One table: role -> what it may do. Both the console and the API ask here, through Django's permission checks."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from accounts.models import Role, User

# How to reach a reporter: the most sensitive thing a node knows.
SEES_CONTACTS = "reports.view_contact"
# Reports exactly as sent, and what moderators took out of public wording.
SEES_UNREDACTED = "reports.view_unredacted"

_MODERATION = frozenset(
    {
        "reports.view_report",
        "reports.view_case",
        "reports.change_case",
        "reports.view_activity",
        "reports.decide",
        "reports.publish",
        "catalogue.view_model",
        "catalogue.view_snapshot",
        "catalogue.view_lookup",
        "catalogue.view_inspection",
        "catalogue.view_drift",
        "catalogue.view_lineage",
        "catalogue.view_concern",
        "catalogue.change_concern",
        "incidents.view_incident",
        "incidents.view_publication",
        "reports.view_release",
        "accounts.view_affiliation",
        "accounts.add_affiliation",
    }
)
_OPERATION = frozenset(
    {
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.view_affiliation",
        "accounts.add_affiliation",
        "accounts.delete_affiliation",
        "catalogue.view_model",
        "catalogue.view_snapshot",
        "catalogue.view_lookup",
        "catalogue.view_inspection",
        "catalogue.view_drift",
        "catalogue.view_lineage",
        "catalogue.change_lookup",
        "catalogue.change_inspection",
        "incidents.view_incident",
        "incidents.view_publication",
    }
)

ROLES: dict[str, frozenset[str]] = {
    Role.NONE: frozenset(),
    Role.MODERATOR: _MODERATION,
    Role.SENIOR_MODERATOR: _MODERATION | {"reports.withdraw", "reports.view_embargoed", SEES_CONTACTS, SEES_UNREDACTED},
    Role.OPERATOR: _OPERATION,
}


class RoleBackend(ModelBackend):
    """Password login; permissions come from the role alone."""

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """What the user's role may do; everything for a superuser; nothing for the inactive and the anonymous."""
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        return (
            set(super().get_all_permissions(user_obj)) if user_obj.is_superuser else set(ROLES.get(user_obj.role, ()))
        )

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the user may do anything in the app."""
        return any(permission.startswith(f"{app_label}.") for permission in self.get_all_permissions(user_obj))
