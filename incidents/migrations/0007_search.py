import json

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Window
from django.db.models.functions import Lead
from django.utils import timezone

from incidents.record import Severity
from incidents.tokens import days_of, pairs_of, texts_of, token

STANDS = 2**63 - 1
# Rows stay whole and uncompressed up to a page of 8 KB: a walk reads their words without a detour.
WHOLE_ROWS = "ALTER TABLE incidents_searchrow SET (toast_tuple_target = 8160)"
INSERT = """
INSERT INTO incidents_searchrow (number, incident_id, until, in_force, published_at, modified_at, occurred_first,
    occurred_last, severity, tokens, words)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[],
    setweight(to_tsvector('english', %s), 'A') || setweight(to_tsvector('english', %s), 'B')
    || setweight(to_tsvector('english', %s), 'C'))
"""
COUNT = """
INSERT INTO incidents_facetcount AS kept (token, dimension, value, records) VALUES (%s, %s, %s, %s)
ON CONFLICT (token) DO UPDATE SET records = kept.records + EXCLUDED.records
"""


def fill(apps, editor):
    """From the documents of the log; what the catalogue knows of their models is asked for at once."""
    severities = [severity.value for severity in Severity]
    following = Window(Lead("number"), partition_by="incident", order_by="number")
    entries = apps.get_model("incidents", "Publication").objects.annotate(following=following).order_by("number")
    with editor.connection.cursor() as cursor:
        for entry in entries.iterator(chunk_size=500):
            document = json.loads(bytes(entry.document))
            in_force = document["status"] != "withdrawn"
            tokens = {token(*pair): pair for pair in pairs_of(document)}
            dates = [document["published"], document["modified"], *days_of(document)]
            place = severities.index(document["severity"])
            row = [entry.number, entry.incident_id, entry.following or STANDS, in_force, *dates, place, list(tokens)]
            cursor.execute(INSERT, [*row, *texts_of(document)])
            stands = in_force and entry.following is None
            counts = [[n, pair[0].value, pair[1][:400], int(stands)] for n, pair in tokens.items()]
            cursor.executemany(COUNT, counts)
    now = timezone.now()
    refresh = apps.get_model("incidents", "SearchRefresh")
    incidents = apps.get_model("incidents", "Incident").objects.values_list("pk", flat=True)
    refresh.objects.bulk_create((refresh(incident_id=pk, asked_at=now) for pk in incidents), batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0006_facts"),
    ]

    operations = [
        migrations.CreateModel(
            name="FacetCount",
            fields=[
                ("token", models.BigIntegerField(primary_key=True, serialize=False)),
                ("dimension", models.SmallIntegerField(help_text="incidents.tokens.Dimension.")),
                ("value", models.CharField(max_length=400)),
                ("records", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="SearchRefresh",
            fields=[
                ("due_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, help_text="Since the last success.")),
                (
                    "strikes",
                    models.PositiveIntegerField(
                        default=0, help_text="Leases in a row that ended without a verdict, or in an error."
                    ),
                ),
                (
                    "parked_at",
                    models.DateTimeField(blank=True, help_text="No longer tried until an operator says so.", null=True),
                ),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="incidents.incident",
                    ),
                ),
                ("asked_at", models.DateTimeField(help_text="When the catalogue was last asked.")),
                ("interval_hours", models.FloatField(default=1)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SearchRow",
            fields=[
                (
                    "publication",
                    models.OneToOneField(
                        db_column="number",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        serialize=False,
                        to="incidents.publication",
                    ),
                ),
                (
                    "until",
                    models.BigIntegerField(
                        default=9223372036854775807, help_text="The entry of the log that replaced it."
                    ),
                ),
                ("in_force", models.BooleanField()),
                ("published_at", models.DateTimeField()),
                ("modified_at", models.DateTimeField()),
                (
                    "occurred_first",
                    models.DateField(help_text="The first day on which it may have occurred; 0001-01-01: not known."),
                ),
                ("occurred_last", models.DateField(help_text="The last one.")),
                ("severity", models.SmallIntegerField(help_text="Its place in record.Severity.")),
                (
                    "tokens",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), help_text="incidents.tokens.", size=None
                    ),
                ),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="incident",
            name="incident_by_category",
        ),
        migrations.RemoveIndex(
            model_name="incident",
            name="incident_search",
        ),
        migrations.RemoveField(
            model_name="incident",
            name="search",
        ),
        migrations.AddIndex(
            model_name="facetcount",
            index=models.Index(fields=["dimension", "-records", "token"], name="facet_most_records"),
        ),
        migrations.AddConstraint(
            model_name="facetcount",
            constraint=models.CheckConstraint(
                condition=models.Q(("records__gte", 0)), name="facet_records_not_negative"
            ),
        ),
        migrations.AddField(
            model_name="searchrow",
            name="incident",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="incidents.incident"
            ),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["words", "tokens"], name="search_words_and_tokens"
            ),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(fields=["published_at", "incident"], name="search_by_published"),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(fields=["modified_at", "incident"], name="search_by_modified"),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(fields=["occurred_first", "incident"], name="search_by_occurred"),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(fields=["severity", "published_at", "incident"], name="search_by_severity"),
        ),
        migrations.AddConstraint(
            model_name="searchrow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", 9223372036854775807)), fields=("incident",), name="search_one_row_stands"
            ),
        ),
        migrations.AddConstraint(
            model_name="searchrow",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("publication"))), name="search_until_is_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="searchrow",
            constraint=models.CheckConstraint(
                condition=models.Q(("occurred_last__gte", models.F("occurred_first"))), name="search_days_in_order"
            ),
        ),
        migrations.RunSQL(WHOLE_ROWS, migrations.RunSQL.noop),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
