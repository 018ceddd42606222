"""Models on hubs, the names they go by, the standing lookups, and what the hubs said.

Nothing here is public by itself: a page or an answer shows a model only where a published record names it.
"""

from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, StrIndex, Substr
from django.utils import timezone

from catalogue.hub import Outcome, Reference, hubs
from catalogue.lookalikes import MOST_CHARACTERS
from lib.due import DueRow

# Names compare without letter case. `name_key` is a column, because the policies of the public's role
# (`incidents.reader`) keep PostgreSQL from looking an expression such as LOWER(name) up in an index.


class Model(models.Model):
    """One repository on a hub. Its identity is the hub's stable id; until the hub has said it, the name stands in."""

    hub = models.CharField(max_length=40)
    stable_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - NULL: not yet confirmed, and not unique
    name = models.CharField(max_length=300, help_text="As the hub spells it now.")
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=300), db_persist=True
    )
    first_named_at = models.DateTimeField(default=timezone.now)
    shown = models.BooleanField(
        default=False, help_text="The public may see it: it is watched, or a base of one that is."
    )
    watched = models.BooleanField(default=False, help_text="A published record in force names it: asked about often.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hub", "stable_id"], name="catalogue_model_identity"),
            models.CheckConstraint(condition=~Q(stable_id=""), name="catalogue_model_stable_id_not_blank"),
        ]
        indexes = [models.Index(fields=["hub", "name_key"], name="catalogue_model_name")]

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


# What follows the organisation in an alias's skeleton.
REPOSITORY = Substr("skeleton", StrIndex("skeleton", Value("/")) + 1)


class Alias(models.Model):
    """A name on a hub, and the model it led to. A rename adds one; names compare without letter case."""

    hub = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=300), db_persist=True
    )
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")
    first_seen_at = models.DateTimeField(default=timezone.now)
    skeleton = models.CharField(
        max_length=MOST_CHARACTERS, blank=True, default="", db_index=True, help_text="What the name looks like."
    )

    class Meta:
        verbose_name_plural = "aliases"
        constraints = [models.UniqueConstraint(fields=["hub", "name_key"], name="catalogue_alias_name")]
        indexes = [models.Index(REPOSITORY, name="catalogue_alias_repository")]

    def __str__(self) -> str:
        return f"{self.hub}: {self.name}"


class Lookup(DueRow):
    """The standing job of asking the hub about one name at one revision ("" is the default branch)."""

    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="lookups")
    revision = models.CharField(max_length=200, blank=True, default="")
    outcome = models.CharField(max_length=30, blank=True, choices=[(o.value, o.value) for o in Outcome])
    answer = models.CharField(max_length=30, blank=True, help_text="The last outcome that was an answer.")
    answered_at = models.DateTimeField(null=True, blank=True)
    interval_hours = models.FloatField(null=True, blank=True, help_text="Between the last two questions.")
    missing_since = models.DateTimeField(null=True, blank=True, help_text="First of the refusals in a row, if any.")
    times_missing = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alias", "revision"], name="catalogue_lookup_subject")]
        indexes = [models.Index(fields=["due_at"], condition=Q(parked_at=None), name="catalogue_lookup_open")]

    def __str__(self) -> str:
        return f"{self.alias}@{self.revision}" if self.revision else str(self.alias)


class Inspection(DueRow):
    """The slower job beside the lookups: what more the hub says of a model, and what its files hold."""

    model = models.OneToOneField(Model, on_delete=models.CASCADE, related_name="inspection")
    document = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="What the hub said: hub.Details.")
    safety = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="What is known of its files.")
    inspected_at = models.DateTimeField(null=True, blank=True, help_text="When the last one that was kept began.")
    revision = models.CharField(max_length=64, blank=True, help_text="The commit it was about.")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(parked_at=None), name="catalogue_inspection_open")]

    def __str__(self) -> str:
        return f"inspection of {self.model}"


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
    files_complete = models.BooleanField(default=True, help_text="Off where the hub cut the listing or gave none.")
    hub_created_at = models.DateTimeField(null=True, blank=True)
    hub_modified_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(
        max_length=64, help_text="Of everything that matters; counts of downloads and likes do not."
    )

    class Meta:
        indexes = [models.Index(fields=["model", "revision_asked", "-taken_at"], name="catalogue_snapshot_latest")]

    def __str__(self) -> str:
        return f"{self.name} at {self.taken_at:%Y-%m-%d %H:%M}"


class Openness(models.Model):
    """A model's licence and openness in brief, as of the hub's last answer: to find and count models by.

    `profile` is `catalogue.openness.Profile.as_dict()`, the answers with their evidence. A private repository has none.
    """

    model = models.OneToOneField(Model, on_delete=models.CASCADE, primary_key=True, related_name="openness")
    licence = models.CharField(max_length=200, blank=True, help_text="As the publisher claims it, in lower case.")
    traits = models.JSONField(default=dict, help_text="Dimension -> value, where it is known: catalogue.openness.")
    profile = models.JSONField(null=True, blank=True, help_text="The whole of it, as the public sees it.")
    assessed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "openness"
        indexes = [
            models.Index(fields=["licence"], name="catalogue_openness_licence"),
            GinIndex(fields=["traits"], opclasses=["jsonb_path_ops"], name="catalogue_openness_traits"),
        ]

    def __str__(self) -> str:
        return f"openness of {self.model}"


class RawAnswer(models.Model):
    """A hub's answer as received, kept privately beside the snapshot it led to. Never published, never federated.

    Append-only, but for the body, which may be erased for it can name people; its digest stays.
    """

    snapshot = models.OneToOneField(Snapshot, on_delete=models.PROTECT, related_name="raw")
    sha256 = models.CharField(max_length=64)
    body = models.BinaryField(help_text="zlib (RFC 1950); empty once it was erased.")


class WeightFile(models.Model):
    """A file with weights in a snapshot, by its digest: projected from its list, to find models by bytes."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="weight_files")
    path = models.CharField(max_length=1000)
    sha256 = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return self.path


class UseCount(models.Model):
    """How much a model was used, as the hub counted on a day. Downloads are those of the 30 days before."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="use_counts")
    day = models.DateField()
    downloads = models.BigIntegerField(null=True)
    likes = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "day"], name="catalogue_use_count_day")]


class Drift(models.Model):
    """A change of a model that matters, noticed between two snapshots. Append-only."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="drift")
    noticed_at = models.DateTimeField(default=timezone.now)
    change = models.CharField(max_length=30)
    before = models.CharField(max_length=1000, blank=True)
    after = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name_plural = "drift"
        indexes = [models.Index(fields=["model", "-noticed_at"], name="catalogue_drift_of_model")]

    def __str__(self) -> str:
        return f"{self.change.replace('_', ' ')} ({self.noticed_at:%Y-%m-%d})"


class Lineage(models.Model):
    """A claim that one model derives from another, for as long as it is made. The base is a name: it may not exist."""

    child = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="bases")
    base = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="derivatives")
    relation = models.CharField(
        max_length=20, blank=True, help_text="finetune, quantized, adapter, merge, or not said."
    )
    claimed_by = models.CharField(max_length=20, help_text="Who says so: the hub, a tag, or the card.")
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "lineage"
        constraints = [
            models.UniqueConstraint(
                fields=["child", "base"], condition=Q(ended_at=None), name="catalogue_lineage_once_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["base"], condition=Q(ended_at=None), name="catalogue_lineage_down")]

    def __str__(self) -> str:
        return f"{self.child} from {self.base}"


class ConcernKind(models.TextChoices):
    """What is wrong with a name."""

    LOOK_ALIKE = "look_alike", "looks like another model"
    MOVED = "moved_to_other_model", "now leads to another model"


class Verdict(models.TextChoices):
    """What a moderator found."""

    DIFFERENT = "different", "Different models, no imitation"
    IMITATION = "imitation", "An imitation"
    SAME_PUBLISHER = "same publisher", "The same publisher's"


class Concern(models.Model):
    """A name for the moderators to look at: it could be taken for another model's, or leads to another one. Private."""

    kind = models.CharField(max_length=30, choices=ConcernKind.choices)
    alias = models.ForeignKey(Alias, on_delete=models.CASCADE, related_name="concerns")
    other = models.ForeignKey(
        Alias,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="likenesses",
        help_text="The name it could be taken for.",
    )
    detail = models.CharField(max_length=1000, help_text="One line: why.")
    noted_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)
    verdict = models.CharField(max_length=20, blank=True, choices=Verdict.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "alias", "other"], nulls_distinct=False, name="catalogue_concern_once"
            )
        ]
        indexes = [models.Index(fields=["noted_at"], condition=Q(settled_at=None), name="catalogue_concern_open")]

    def __str__(self) -> str:
        return f"{self.alias.name} {self.words}"

    @property
    def words(self) -> str:
        """What it is about, to be read after the name."""
        if self.other is None:
            return f"{self.get_kind_display()}: {self.detail}"
        verb = "imitates" if self.verdict == Verdict.IMITATION else "looks like"
        return f"{verb} {self.other.name}: {self.detail}"


class Attestation(models.Model):
    """What somebody attested of a model's openness in a file of a framework, as its text; beside what we derive."""

    hub = models.CharField(max_length=40)
    name = models.CharField(max_length=300, help_text="As the file spells it.")
    framework = models.CharField(max_length=20)
    title = models.CharField(max_length=300, help_text="The release as the file calls it.")
    source = models.CharField(max_length=500, help_text="The file's name in its collection.")
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    imported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["framework", "source"], name="catalogue_attestation_source")]
        indexes = [models.Index("hub", Lower("name"), name="catalogue_attestation_name")]

    def __str__(self) -> str:
        return f"{self.framework}: {self.title}"
