"""One table: role -> what it may do. Both the console and the API ask here, through Django's permission checks."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from accounts.models import Role, User

# How to reach a reporter: the most sensitive thing a node knows.
SEES_CONTACTS = "reports.view_contact"
# Reports exactly as sent, and what moderators took out of public wording.
SEES_UNREDACTED = "reports.view_unredacted"

# What everybody with a role may read: the public record, and what hubs say.
_READING = frozenset(
    {
        "incidents.view_incident",
        "incidents.view_publication",
        "catalogue.view_model",
        "catalogue.view_snapshot",
        "catalogue.view_lookup",
        "catalogue.view_inspection",
        "catalogue.view_drift",
        "catalogue.view_lineage",
        "reports.view_metrics",
        "federation.view_peer",
        "federation.view_outcome",
        "incidents.view_overlay",
    }
)
_MODERATION = _READING | {
    "reports.view_report",
    "reports.view_case",
    "reports.change_case",
    "reports.classify",
    "reports.view_activity",
    "reports.decide",
    "reports.publish",
    "reports.view_evidence",
    "reports.view_release",
    "reports.view_namematch",
    "reports.view_importrun",
    "accounts.view_affiliation",
    "accounts.add_affiliation",
    "catalogue.view_concern",
    "catalogue.change_concern",
    "federation.change_outcome",
    "incidents.change_overlay",
}
_OPERATION = _READING | {
    "accounts.view_user",
    "accounts.add_user",
    "accounts.change_user",
    "accounts.view_affiliation",
    "accounts.add_affiliation",
    "accounts.delete_affiliation",
    "accounts.view_apitoken",
    "accounts.revoke_apitoken",
    "catalogue.change_lookup",
    "catalogue.change_inspection",
    "reports.view_importrun",
    "federation.add_peer",
    "federation.change_peer",
}

ROLES: dict[str, frozenset[str]] = {
    Role.NONE: frozenset(),
    Role.MODERATOR: _MODERATION,
    Role.SENIOR_MODERATOR: _MODERATION
    | {
        "reports.withdraw",
        "reports.delete_evidence",
        "reports.view_embargoed",
        "reports.erase",
        "reports.view_erasure",
        "reports.view_team",
        SEES_CONTACTS,
        SEES_UNREDACTED,
    },
    Role.CURATOR: _READING | {"reports.classify"},
    Role.OPERATOR: _OPERATION,
}
# The table in words, for people: what each permission is for. Every permission that a role holds stands here.
MEANINGS: dict[str, str] = {
    "incidents.view_incident": "Read public records in the console",
    "incidents.view_publication": "Read the public log in the console",
    "catalogue.view_model": "See models",
    "catalogue.view_snapshot": "See what hubs said of models",
    "catalogue.view_lookup": "See how lookups stand",
    "catalogue.change_lookup": "Ask a hub again, close its circuit",
    "catalogue.view_inspection": "See what was found in models' files",
    "catalogue.change_inspection": "Look into a model's files again",
    "catalogue.view_drift": "See how models changed",
    "catalogue.view_lineage": "See what derives from what",
    "catalogue.view_concern": "See names that imitate others",
    "catalogue.change_concern": "Settle whether a name imitates another",
    "reports.view_metrics": "See how the queue does",
    "reports.view_team": "See what each moderator did",
    "reports.view_report": "Read reports",
    "reports.decide": "Claim, accept and reject reports",
    "reports.view_case": "Read cases",
    "reports.change_case": "Word cases",
    "reports.classify": "Classify cases, seeing their wording alone",
    "reports.publish": "Publish, correct and dispute records",
    "reports.withdraw": "Withdraw records, release what others hold",
    "reports.view_release": "See what is about to become public",
    "reports.view_embargoed": "See what is under an embargo",
    "reports.view_unredacted": "Read reports as sent, and what was taken out of wording (each look is recorded)",
    "reports.view_namematch": "See which models names in imports mean",
    "reports.view_importrun": "See how imports went",
    "reports.view_evidence": "Look at the files of a report (each look is recorded)",
    "reports.delete_evidence": "Erase a file of a report",
    "reports.view_activity": "Read who did what",
    "reports.view_contact": "See how to reach a reporter (each look is recorded)",
    "reports.view_erasure": "See what was erased, when and by whom",
    "reports.erase": "Ask for an erasure, confirm somebody else's",
    "federation.view_peer": "See which nodes are followed, and how that goes",
    "federation.add_peer": "Follow another node",
    "federation.change_peer": "Pause nodes, set what is taken of them, decide on their mass withdrawals",
    "federation.view_outcome": "See which records of other nodes wait",
    "federation.change_outcome": "Show records of other nodes that wait, or pass over them",
    "incidents.view_overlay": "See what this node says of records of others",
    "incidents.change_overlay": "Annotate, link and hide records of other nodes",
    "accounts.view_affiliation": "See who belongs to which organisation",
    "accounts.add_affiliation": "Declare an organisation one belongs to",
    "accounts.delete_affiliation": "Take an affiliation away",
    "accounts.view_apitoken": "See whose API tokens there are",
    "accounts.revoke_apitoken": "Revoke somebody's API token",
    "accounts.view_user": "See accounts",
    "accounts.add_user": "Add accounts",
    "accounts.change_user": "Change accounts and roles that see no contacts",
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
