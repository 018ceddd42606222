from django.db import migrations

FORBID = """
CREATE FUNCTION faultline_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON incidents_publication
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
"""

ALLOW = """
DROP TRIGGER append_only ON incidents_publication;
DROP FUNCTION faultline_append_only();
"""


class Migration(migrations.Migration):
    """The public log cannot be rewritten, not even by a mistake of ours."""

    dependencies = [("incidents", "0001_initial")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
