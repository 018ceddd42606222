"""What is public: incidents as their current document, the log of publications, and what search needs of both.

Every column but the documents is a projection of them, rebuilt at each publication.
"""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q

from incidents.log_models import Checkpoint, LogEntry, LogObject, TreeHash
from incidents.overlay_models import Overlay
from incidents.record import Confidence, EvidenceGrade, Kind, Severity, Status
from lib.due import DueRow

__all__ = [
    "Affected",
    "Checkpoint",
    "Incident",
    "LogEntry",
    "LogObject",
    "Operation",
    "OtherId",
    "Overlay",
    "Publication",
    "TreeHash",
    "choices_of",
]


def choices_of(values: type[StrEnum]) -> list[tuple[str, str]]:
    """A vocabulary of the record as Django choices."""
    return [(member.value, member.value.replace("_", " ")) for member in values]


class Operation(models.TextChoices):
    """What a publication did."""

    PUBLISH = "publish"
    CORRECT = "correct"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    MERGE = "merge"
    RESTORE = "restore"
    ERASE = "erase"


class PublicRecords(models.Manager["Incident"]):
    """What the public may read: not what was erased."""

    def get_queryset(self) -> models.QuerySet["Incident"]:
        """Without tombstones."""
        return super().get_queryset().filter(erased_at=None)


class Incident(models.Model):
    """One public record as it stands: what pages and API read.

    Of an erased one nothing but its id, its dates and its last version is left; only `everything` finds it.
    """

    public_id = models.CharField(max_length=16, unique=True)
    origin = models.CharField(max_length=253)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=choices_of(Status))
    kind = models.CharField(max_length=20, choices=choices_of(Kind))
    category = models.CharField(max_length=80)
    severity = models.CharField(max_length=20, choices=choices_of(Severity))
    evidence_grade = models.CharField(max_length=20, choices=choices_of(EvidenceGrade))
    confidence = models.CharField(max_length=20, choices=choices_of(Confidence))
    superseded_by = models.CharField(
        max_length=16, blank=True, default="", help_text="The public id of the record that stands in its place."
    )
    title = models.CharField(max_length=200)
    occurred = models.CharField(max_length=10, blank=True)
    published_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    document = models.BinaryField(help_text="RFC 8785 bytes of the current version.")
    digest = models.CharField(max_length=64)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = PublicRecords()
    everything = models.Manager["Incident"]()

    class Meta:
        ordering = ["-published_at", "-pk"]
        indexes = [
            models.Index(fields=["-published_at", "-id"], name="incident_newest"),
            models.Index(
                fields=["superseded_by"], condition=~models.Q(superseded_by=""), name="incident_superseded_by"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(superseded_by="") | models.Q(status=Status.WITHDRAWN),
                name="incident_superseded_is_withdrawn",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(status=Status.WITHDRAWN, title="", digest=""),
                name="incident_erased_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.title}"


class Publication(models.Model):
    """What one entry of a log did to a record here. Only erasure changes a row: then document and digest go.

    Of our own records it stands in our log (`entry`), of another node's in theirs (`index_at_origin`). Numbers follow
    commit order over both, so that one number names one state of all that this node shows.
    """

    number = models.BigIntegerField(primary_key=True, help_text="Its place among all that became public here.")
    entry = models.OneToOneField(
        LogEntry, on_delete=models.PROTECT, null=True, blank=True, help_text="In our own log; NULL of another node's."
    )
    index_at_origin = models.BigIntegerField(null=True, blank=True, help_text="In that node's log; NULL of our own.")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="publications")
    operation = models.CharField(max_length=10, choices=Operation)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    document = models.BinaryField(help_text="RFC 8785 bytes of this version; empty once the record is erased.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the document.")
    object_digest = models.CharField(max_length=64, help_text="SHA-256 of the signed object that the entry names.")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "version"], condition=Q(entry__isnull=False), name="publication_version"
            ),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="publication_number_from_one"),
            models.CheckConstraint(
                condition=Q(entry__isnull=True, index_at_origin__isnull=False, index_at_origin__gte=1)
                | Q(entry__isnull=False, entry__lte=F("number"), index_at_origin__isnull=True),
                name="publication_is_an_entry_somewhere",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="publication_at")]

    def __str__(self) -> str:
        return f"#{self.number} {self.operation}"


class Affected(models.Model):
    """A model named by a record in force, for search by model."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    hub = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=300)
    name_key = models.CharField(max_length=300, help_text="The name without letter case.")
    stable_id = models.CharField(max_length=100, blank=True)
    revision = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=30)
    match = models.CharField(max_length=20)
    file_paths = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    file_digests = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="SHA-256.")

    class Meta:
        verbose_name_plural = "affected"
        indexes = [
            GinIndex(fields=["file_digests"], name="affected_by_digest", fastupdate=False),
            models.Index(fields=["hub", "name_key"], name="affected_by_name"),
            models.Index(fields=["hub", "stable_id"], name="affected_by_stable_id"),
            models.Index(fields=["revision"], condition=~models.Q(revision=""), name="affected_by_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.hub}: {self.name}" if self.hub else self.name


class OtherId(models.Model):
    """An id of the same event in another database, for search."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="other_ids")
    key = models.CharField(max_length=100, db_index=True, help_text="Without letter case.")

    def __str__(self) -> str:
        return self.key


class Fact(models.Model):
    """What is counted of one record: its document's values as narrow columns, so that counting reads no document.

    In `hubs`, `organisations` (as hub/organisation) and `licences` (as claimed at publication) each value stands once,
    in lower case but for hubs, and only of models that the record concerns.
    """

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="fact")
    status = models.CharField(max_length=20, choices=choices_of(Status))
    kind = models.CharField(max_length=20, choices=choices_of(Kind))
    category = models.CharField(max_length=80)
    severity = models.CharField(max_length=20, choices=choices_of(Severity))
    evidence_grade = models.CharField(max_length=20, choices=choices_of(EvidenceGrade))
    confidence = models.CharField(max_length=20, choices=choices_of(Confidence))
    origin = models.CharField(max_length=253)
    published = models.IntegerField(help_text="Year and month of first publication, UTC: 202603.")
    occurred_year = models.SmallIntegerField(null=True)
    occurred_month = models.SmallIntegerField(null=True, help_text="1 to 12; NULL where only the year is known.")
    event = models.BigIntegerField(
        null=True, db_index=True, help_text="The lowest record in force on the same event; NULL where it is alone."
    )
    hubs = ArrayField(models.CharField(max_length=40), default=list)
    organisations = ArrayField(models.CharField(max_length=341), default=list)
    licences = ArrayField(models.CharField(max_length=200), default=list)
    terms = ArrayField(models.CharField(max_length=161), default=list, help_text="taxonomy:term, the category too.")
    statements = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            GinIndex(fields=["organisations"], name="fact_by_organisation"),
            GinIndex(fields=["terms"], name="fact_by_term"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(occurred_month__isnull=True)
                | models.Q(occurred_year__isnull=False, occurred_month__range=(1, 12)),
                name="fact_month_of_a_year",
            ),
        ]

    def __str__(self) -> str:
        return f"what is counted of {self.incident}"


class RecordedName(models.Model):
    """A name on a hub that records in force use, and how many of them."""

    hub = models.CharField(max_length=40)
    name_key = models.CharField(max_length=300, help_text="The name without letter case.")
    name = models.CharField(max_length=300, help_text="As a record spells it.")
    organisation = models.CharField(max_length=341, blank=True, help_text="hub/organisation without letter case.")
    named = models.PositiveIntegerField(help_text="Records in force that name it.")
    concerned = models.PositiveIntegerField(help_text="Those among them that do not call it not affected.")

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "name_key"], name="recorded_name_of_organisation"),
            models.Index(fields=["-concerned", "name"], name="recorded_name_most_concerned"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["hub", "name_key"], name="recorded_name_once"),
            models.CheckConstraint(
                condition=models.Q(named__gte=models.F("concerned")), name="recorded_name_concerned_is_named"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hub}: {self.name}"


# `SearchRow.until` of the version in force: no entry of the log is that far.
STANDS = 2**63 - 1


class SearchRow(models.Model):
    """What finds one version of a record: narrow, so that walks and scans of a million of them stay short.

    It stood from its entry of the log until the one that replaced it: a record has one row at any number of the log,
    and one search looks at the present and at any past state. Rows of a record that this node hides stood nowhere: a
    trigger ends each where it begins.
    """

    # The log lets nothing go, which its own trigger says.
    publication = models.OneToOneField(Publication, on_delete=models.DO_NOTHING, primary_key=True, db_column="number")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, db_index=False, related_name="+")
    until = models.BigIntegerField(default=STANDS, help_text="The entry of the log that replaced it.")
    in_force = models.BooleanField()
    published_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    occurred_first = models.DateField(help_text="The first day on which it may have occurred; 0001-01-01: not known.")
    occurred_last = models.DateField(help_text="The last one.")
    severity = models.SmallIntegerField(help_text="Its place in record.Severity.")
    tokens = ArrayField(models.BigIntegerField(), help_text="incidents.tokens.")
    words = SearchVectorField()
    size = models.IntegerField(help_text="Bytes of its document.")
    signature = models.GeneratedField(
        expression=Func(F("tokens"), function="faultline_signature"),
        output_field=models.BigIntegerField(),
        db_persist=True,
        help_text="incidents.tokens.signature of its tokens.",
    )

    class Meta:
        indexes = [
            # One index for tokens and words: it finds what is in both without reading what is in one. Tokens lead, so
            # that a day among them bounds what is read of the words. Kept up at once, so that no reader finds a list of
            # pending entries to go through.
            GinIndex(fields=["tokens", "words"], name="search_tokens_and_words", fastupdate=False),
            models.Index(fields=["published_at", "incident"], name="search_by_published"),
            models.Index(fields=["modified_at", "incident"], name="search_by_modified"),
            models.Index(fields=["occurred_first", "incident"], name="search_by_occurred"),
            models.Index(fields=["severity", "published_at", "incident"], name="search_by_severity"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["incident"], condition=Q(until=STANDS), name="search_one_row_stands"),
            models.CheckConstraint(condition=Q(until__gte=F("publication")), name="search_until_is_not_before"),
            models.CheckConstraint(condition=Q(occurred_last__gte=F("occurred_first")), name="search_days_in_order"),
        ]

    def __str__(self) -> str:
        return f"#{self.publication_id}"


class FacetCount(models.Model):
    """How many records in force have a token; and the value it stands for, as last spelled."""

    token = models.BigIntegerField(primary_key=True)
    dimension = models.SmallIntegerField(help_text="incidents.tokens.Dimension.")
    value = models.CharField(max_length=400)
    records = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["dimension", "-records", "token"], name="facet_most_records")]
        constraints = [models.CheckConstraint(condition=Q(records__gte=0), name="facet_records_not_negative")]

    def __str__(self) -> str:
        return f"{self.value}: {self.records}"


class HarvestRow(models.Model):
    """A record as harvesters list it: by when it last changed on this node."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="+")
    number = models.BigIntegerField(unique=True, help_text="The entry of the log that it stands by.")
    datestamp = models.DateTimeField(help_text="Whole seconds; never before that of a lower number.")
    origin = models.CharField(max_length=253)
    category = models.CharField(max_length=80)
    deleted = models.BooleanField(help_text="Withdrawn or merged: listed for ever, without metadata.")

    class Meta:
        indexes = [models.Index(fields=["datestamp", "number"], name="harvest_order")]

    def __str__(self) -> str:
        return f"#{self.number}"


class SearchRefresh(DueRow):
    """The standing job of asking the catalogue what more it knows of the models that a record names."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="+")
    asked_at = models.DateTimeField(help_text="When the catalogue was last asked.")
    interval_hours = models.FloatField(default=1)

    def __str__(self) -> str:
        return f"search refresh of {self.incident_id}"


class ExportRefresh(DueRow):
    """The one standing job that keeps the stored exports up with the log."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="export_refresh_is_one")]

    def __str__(self) -> str:
        return "refresh of exports"


class OsvRefresh(DueRow):
    """The one standing job that makes the OSV files again."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="osv_refresh_is_one")]

    def __str__(self) -> str:
        return "refresh of the OSV files"
