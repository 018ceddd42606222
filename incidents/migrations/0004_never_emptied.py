from django.db import migrations

FORBID = """
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON incidents_publication
    FOR EACH STATEMENT EXECUTE FUNCTION faultline_append_only();
"""

ALLOW = "DROP TRIGGER never_emptied ON incidents_publication;"


class Migration(migrations.Migration):
    """The public log cannot be emptied: TRUNCATE passes triggers for rows."""

    dependencies = [("incidents", "0003_checks")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
