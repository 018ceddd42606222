"""The people of a node: moderators, curators and operators. Reporters need no account."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


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


class Scope(models.TextChoices):
    """What a token is good for. None opens moderation."""

    READ = "read", "Read with a higher limit"
    REPORT = "report", "Report in the name of this account"


class ApiToken(models.Model):
    """What a program shows instead of a password. Life: `accounts.tokens`.

    Of the secret there is only a SHA-256: it has 256 bits, so nothing slower is needed. What a token is never changes,
    and a revoked one stays revoked: a trigger sees to both.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="Where it is used, so that you know it again.")
    prefix = models.CharField(max_length=8, unique=True, help_text="The part that may be seen.")
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_on = models.DateField(null=True, blank=True, help_text="A day, so that it is no record of movements.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(Scope.values)) & models.Q(scopes__len__gt=0),
                name="token_has_known_scopes",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="token_expires_after_creation"
            ),
            models.UniqueConstraint(
                "user",
                models.functions.Lower("name"),
                condition=models.Q(revoked_at=None),
                name="token_name_is_one_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (fl_{self.prefix}_…)"

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()

    @property
    def is_live(self) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and not self.has_expired
