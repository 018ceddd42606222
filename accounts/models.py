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
