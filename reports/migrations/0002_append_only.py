from django.db import migrations

FORBID = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reports_activity
    FOR EACH ROW EXECUTE FUNCTION faultline_append_only();
"""

ALLOW = "DROP TRIGGER append_only ON reports_activity;"


class Migration(migrations.Migration):
    """Who did what cannot be rewritten. The function comes with the public log's migration."""

    dependencies = [("reports", "0001_initial"), ("incidents", "0002_append_only")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
