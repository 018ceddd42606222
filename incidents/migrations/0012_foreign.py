import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

# Until now a publication's number was its entry.
NAME_ENTRIES = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE incidents_publication DISABLE TRIGGER append_only;
UPDATE incidents_publication SET entry_id = number;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE incidents_publication ENABLE TRIGGER append_only;
"""
UNTIE = "ALTER TABLE incidents_publication DROP CONSTRAINT publication_is_entry;"
TIE = """
ALTER TABLE incidents_publication ADD CONSTRAINT publication_is_entry
    FOREIGN KEY (number) REFERENCES incidents_logentry (index) DEFERRABLE INITIALLY DEFERRED;
"""


class Migration(migrations.Migration):
    """Publications can be those of other nodes' records."""

    dependencies = [("incidents", "0011_tiles")]

    operations = [
        migrations.RunSQL(UNTIE, TIE),
        migrations.AlterField(
            model_name="publication",
            name="number",
            field=models.BigIntegerField(
                help_text="Its place among all that became public here.", primary_key=True, serialize=False
            ),
        ),
        migrations.AddField(
            model_name="publication",
            name="entry",
            field=models.OneToOneField(
                blank=True,
                help_text="In our own log; NULL of another node's.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="incidents.logentry",
            ),
        ),
        migrations.AddField(
            model_name="publication",
            name="index_at_origin",
            field=models.BigIntegerField(blank=True, help_text="In that node's log; NULL of our own.", null=True),
        ),
        migrations.RunSQL(NAME_ENTRIES, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="publication", name="publication_version"),
        migrations.AddConstraint(
            model_name="publication",
            constraint=models.UniqueConstraint(
                condition=Q(entry__isnull=False), fields=("incident", "version"), name="publication_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="publication",
            constraint=models.CheckConstraint(
                condition=Q(entry__isnull=True, index_at_origin__isnull=False, index_at_origin__gte=1)
                | Q(entry__isnull=False, entry__lte=F("number"), index_at_origin__isnull=True),
                name="publication_is_an_entry_somewhere",
            ),
        ),
        migrations.AddIndex(model_name="publication", index=models.Index(fields=["at"], name="publication_at")),
    ]
