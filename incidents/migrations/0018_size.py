from django.db import migrations, models

# One rewrite of the table, where an UPDATE would also write every row of every index anew.
ADD = """
CREATE FUNCTION faultline_size(entry bigint) RETURNS integer LANGUAGE sql STABLE AS
    'SELECT octet_length(document) FROM incidents_publication WHERE number = entry';
ALTER TABLE incidents_searchrow ADD COLUMN size integer NOT NULL DEFAULT 0;
ALTER TABLE incidents_searchrow
    ALTER COLUMN size DROP DEFAULT, ALTER COLUMN size TYPE integer USING faultline_size(number);
DROP FUNCTION faultline_size;
"""


class Migration(migrations.Migration):
    """How long the answer to a question is, without reading what is in it."""

    dependencies = [("incidents", "0017_signature")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(ADD, "ALTER TABLE incidents_searchrow DROP COLUMN size")],
            [
                migrations.AddField(
                    model_name="searchrow",
                    name="size",
                    field=models.IntegerField(help_text="Bytes of its document."),
                    preserve_default=False,
                )
            ],
        )
    ]
