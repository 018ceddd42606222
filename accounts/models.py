"""The people of a node: moderators, curators and operators. Reporters need no account."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """What an account is for; what each may do stands in `accounts.roles`."""

    NONE = "", "No role"
    MODERATOR = "moderator", "Moderator"
    SENIOR_MODERATOR = "senior_moderator", "Senior moderator"
    CURATOR = "curator", "Curator of taxonomies"
    OPERATOR = "operator", "Operator"


class User(AbstractUser):
    """An account of this node."""

    role = models.CharField(max_length=20, choices=Role, default=Role.NONE, blank=True)


class Affiliation(models.Model):
    """An organisation that somebody belongs to: they decide on nothing that concerns its models.

    Declared by the person or an operator; only an operator takes it away.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="affiliations")
    hub = models.CharField(
        max_length=40, blank=True, help_text="The hub's short name, such as huggingface; empty: on every hub."
    )
    organisation = models.CharField(max_length=200, help_text="As it stands before the / in its models' names.")
    declared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["organisation", "hub"]
        constraints = [
            models.UniqueConstraint(
                "user", "hub", models.functions.Lower("organisation"), name="affiliation_declared_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(organisation="") & ~models.Q(organisation__contains="/"),
                name="affiliation_is_one_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} on {self.hub}" if self.hub else self.organisation
