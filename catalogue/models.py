"""Models on hubs, the names they go by, the standing lookups, and what the hubs said.

Nothing here is public by itself: a page or an answer shows a model only where a published record names it.
"""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from catalogue.hub import Outcome, Reference, hubs
from lib.due import DueRow


class Model(models.Model):
    """One repository on a hub. Its identity is the hub's stable id; until the hub has said it, the name stands in."""

    hub = models.CharField(max_length=40)
    stable_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - NULL: not yet confirmed, and not unique
    name = models.CharField(max_length=300, help_text="As the hub spells it now.")
    first_named_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hub", "stable_id"], name="catalogue_model_identity"),
            models.CheckConstraint(condition=~Q(stable_id=""), name="catalogue_model_stable_id_not_blank"),
        ]

    def __str__(self) -> str:
        return self.name

    def reference(self, revision: str = "") -> Reference:
        """The model, at `revision`, under its current name."""
        return Reference(self.hub, self.name, revision)

    @property
    def url(self) -> str:
        """Its page on the hub."""
        return hubs()[self.hub].url(self.reference())

    @property
    def latest(self) -> "Snapshot | None":
        """What the hub last said of the default branch, if it ever answered."""
        return self.snapshots.filter(revision_asked="").order_by("-taken_at", "-pk").first()


class Alias(models.Model):
    """A name on a hub, and the model it led to. A rename adds one; names compare without letter case."""

    hub = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint("hub", Lower("name"), name="catalogue_alias_name")]

    def __str__(self) -> str:
        return f"{self.hub}: {self.name}"


class Lookup(DueRow):
    """The standing job of asking the hub about one name at one revision ("" is the default branch)."""

    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="lookups")
    revision = models.CharField(max_length=200, blank=True, default="")
    outcome = models.CharField(max_length=30, blank=True, choices=[(o.value, o.value) for o in Outcome])
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alias", "revision"], name="catalogue_lookup_subject")]
        indexes = [models.Index(fields=["due_at"], condition=Q(parked_at=None), name="catalogue_lookup_open")]

    def __str__(self) -> str:
        return f"{self.alias}@{self.revision}" if self.revision else str(self.alias)


class Snapshot(models.Model):
    """What a hub said about a model at a time. Append-only; written only when something that matters changed."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="snapshots")
    taken_at = models.DateTimeField(default=timezone.now)
    revision_asked = models.CharField(max_length=200, blank=True, default="")
    revision = models.CharField(max_length=64, blank=True, help_text="The commit the hub resolved to.")
    name = models.CharField(max_length=300)
    author = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=200, blank=True, help_text="As the publisher claims it.")
    private = models.BooleanField(default=False)
    gated = models.CharField(max_length=20, blank=True)
    disabled = models.BooleanField(default=False)
    pipeline = models.CharField(max_length=100, blank=True)
    library = models.CharField(max_length=100, blank=True)
    downloads = models.BigIntegerField(null=True, blank=True, help_text="In the 30 days before.")
    likes = models.BigIntegerField(null=True, blank=True)
    tags = models.JSONField(default=list)
    base_models = models.JSONField(default=list)
    files = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    hub_created_at = models.DateTimeField(null=True, blank=True)
    hub_modified_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(
        max_length=64, help_text="Of everything that matters; counts of downloads and likes do not."
    )

    class Meta:
        indexes = [models.Index(fields=["model", "revision_asked", "-taken_at"], name="catalogue_snapshot_latest")]

    def __str__(self) -> str:
        return f"{self.name} at {self.taken_at:%Y-%m-%d %H:%M}"
