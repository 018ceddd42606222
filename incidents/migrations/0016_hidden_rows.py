from django.db import migrations, models

# Whoever writes rows that find records, in whichever order: those of a hidden record find nothing.
HIDE = """
CREATE FUNCTION faultline_hidden_in_no_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM incidents_overlay WHERE incident_id = NEW.incident_id AND hidden_at IS NOT NULL
    ) THEN
        NEW.until := NEW.number;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hidden_in_no_list BEFORE INSERT OR UPDATE OF until ON incidents_searchrow
    FOR EACH ROW EXECUTE FUNCTION faultline_hidden_in_no_list();
UPDATE incidents_searchrow row SET until = number
FROM incidents_overlay overlay WHERE overlay.incident_id = row.incident_id AND overlay.hidden_at IS NOT NULL;
"""
SHOW = """
DROP TRIGGER hidden_in_no_list ON incidents_searchrow;
DROP FUNCTION faultline_hidden_in_no_list();
UPDATE incidents_searchrow row SET until = following.number
FROM (
    SELECT number AS own, lead(number, 1, 9223372036854775807) OVER (PARTITION BY incident_id ORDER BY number) AS number
    FROM incidents_publication
) AS following
WHERE row.number = following.own AND row.until = row.number;
"""


class Migration(migrations.Migration):
    """A record that a node hides stands in no list, also of no earlier state."""

    dependencies = [("incidents", "0015_digests_at_once")]

    operations = [
        migrations.RemoveConstraint(model_name="searchrow", name="search_until_is_later"),
        migrations.AddConstraint(
            model_name="searchrow",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gte", models.F("publication"))), name="search_until_is_not_before"
            ),
        ),
        migrations.RunSQL(HIDE, SHOW),
    ]
